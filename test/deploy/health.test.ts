import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { Connection } from '@temporalio/client';
import { packageRoot } from '../../infra/package-root.js';
import { sharedTemporal } from '../harness/temporal.js';

const { address, namespace } = sharedTemporal();

/** The exit code of the health check, run as a container would. */
async function health(...args: string[]): Promise<unknown> {
  const script = join(packageRoot(), 'dist', 'workers', 'health.js');
  const environment = {
    ...process.env,
    NODE_OPTIONS: '',
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
  };
  const child = spawn(process.execPath, [script, ...args], { env: environment, stdio: 'ignore' });
  return (await once(child, 'exit'))[0];
}

async function answering(status: number, check: (url: string) => Promise<void>): Promise<void> {
  const server = createServer((_, response) => response.writeHead(status).end()).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  const bound = server.address();
  try {
    await check(`http://127.0.0.1:${String(typeof bound === 'object' ? bound?.port : bound)}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('the health check', () => {
  test('of a worker fails where no worker of this host asks for work, and passes where one does', async () => {
    const taskQueue = `health-${String(process.pid)}`;
    expect(await health('worker', taskQueue)).toBe(1);
    const connection = await Connection.connect({ address });
    const polling = new AbortController();
    const poll = connection
      .withAbortSignal(polling.signal, async () =>
        connection.withDeadline(Date.now() + 20_000, () =>
          connection.workflowService.pollWorkflowTaskQueue({
            namespace,
            taskQueue: { name: taskQueue },
            identity: `1@${hostname()}`,
          }),
        ),
      )
      .catch(() => undefined);
    await sleep(300);
    expect(await health('worker', taskQueue)).toBe(0);
    polling.abort();
    await poll;
    await connection.close();
  });

  test('of the API passes where it answers, fails where it fails or is gone', async () => {
    await answering(401, async (url) => {
      expect(await health('api', url)).toBe(0);
    });
    await answering(503, async (url) => {
      expect(await health('api', url)).toBe(1);
    });
    expect(await health('api', 'http://127.0.0.1:1/')).toBe(1);
  });

  test('says how it is used', async () => {
    expect(await health('console')).toBe(2);
  });
});
