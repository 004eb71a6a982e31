/** For health checks of containers: node health.js worker QUEUE, or node health.js api URL; exit code 0 means healthy. */
import { hostname } from 'node:os';
import { isPolling } from '../infra/is-polling.js';
import { usualTemporal } from '../infra/temporal-access.js';
import { connectTemporal } from '../infra/temporal-connection.js';
import { describe } from './child.js';
import { readTemporalOnly } from './settings.js';

async function isWorkerHealthy(taskQueue: string): Promise<boolean> {
  const { temporal = usualTemporal, namespace } = readTemporalOnly(process.env);
  const connection = await connectTemporal(temporal, 5_000);
  try {
    return await isPolling(connection, { namespace, taskQueue, host: hostname() });
  } finally {
    await connection.close();
  }
}

/** Any answer shows a living server, also one that asks for a token. */
async function isApiHealthy(url: string): Promise<boolean> {
  const { status } = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  return status < 500;
}

const [part, target] = process.argv.slice(2);
if ((part !== 'worker' && part !== 'api') || target === undefined) {
  console.error('usage: node health.js worker TASK-QUEUE | node health.js api URL');
  process.exit(2);
}
try {
  const isHealthy = part === 'worker' ? await isWorkerHealthy(target) : await isApiHealthy(target);
  if (!isHealthy) console.error(`${part}: not healthy`);
  process.exit(isHealthy ? 0 : 1);
} catch (error) {
  console.error(`${part}: ${describe(error)}`);
  process.exit(1);
}
