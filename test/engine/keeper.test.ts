import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Client, Connection, WorkflowNotFoundError } from '@temporalio/client';
import {
  startCollector,
  startRun,
  startUnattended,
  type Temporal,
} from '../../client/workflows.js';
import { collectorWorkflowId, secretWorkflowId, type StartableRun } from '../../domain/run.js';
import { openAudit } from '../../infra/registry/audit.js';
import { startKeeper } from '../../workers/keeper.js';
import { eventually } from '../faults/installation.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';
import { sharedTemporal } from '../harness/temporal.js';

/** No worker listens to these queues: what was started waits, as it does when there is too much to do. */
let temporal: Temporal;
let connection: Connection;
let database: TestDatabase;
let secretId: string;

beforeAll(async () => {
  const { address, namespace } = sharedTemporal();
  connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  temporal = { client, taskQueue: `test-${randomBytes(4).toString('hex')}` };
  database = await openDatabase();
});
afterAll(async () => {
  await connection.close();
  await database.close();
});
beforeEach(() => {
  secretId = randomUUID();
});

function run(kind: StartableRun['kind'], takesOver = false): StartableRun {
  const names = { organization: 'acme', secret: 'api', owner: 'team' };
  return { runId: randomUUID(), secretId, kind, ...names, takesOver };
}

async function executionOf(workflowId: string): Promise<{ runId: string; type: string }> {
  const { runId, type, status } = await temporal.client.workflow.getHandle(workflowId).describe();
  if (status.name !== 'RUNNING') throw new Error('it does not run');
  return { runId, type };
}

const execution = () => executionOf(secretWorkflowId(secretId));
const end = () => temporal.client.workflow.getHandle(secretWorkflowId(secretId)).terminate();

test.each(['compromise', 'rotate'] as const)(
  'a %s that waits for a worker keeps its place when the keeper claims it again',
  async (kind) => {
    const waiting = run(kind, true);
    expect(await startRun(temporal, waiting)).toBe(true);
    const first = await execution();
    expect(await startUnattended(temporal, waiting)).toBe(true);
    expect(await execution()).toEqual(first);
    await end();
  },
);

test('a compromise whose caller died ends what another run left there', async () => {
  await startRun(temporal, run('rotate'));
  expect(await startUnattended(temporal, run('compromise'))).toBe(true);
  expect((await execution()).type).toBe('compromiseSecret');
  await end();
});

test('a run that takes nothing over leaves what another run has there', async () => {
  await startRun(temporal, run('compromise'));
  const first = await execution();
  expect(await startUnattended(temporal, run('rotate'))).toBe(false);
  expect(await execution()).toEqual(first);
  await end();
});

test('a collector that ended is started again by the keeper', async () => {
  const workflowId = collectorWorkflowId(temporal.taskQueue, 'main');
  await startCollector(temporal, 'main');
  const first = await executionOf(workflowId);
  await temporal.client.workflow.getHandle(workflowId).terminate();
  const keeper = startKeeper({
    pool: database.pool,
    audit: openAudit(Buffer.alloc(32, 7)),
    temporal,
    identity: 'test',
    issuers: ['main'],
    everyMs: 20,
    collectorsEveryMs: 50,
    warn: () => undefined,
  });
  await eventually(async () => (await executionOf(workflowId)).runId !== first.runId);
  await keeper.stop();
  await temporal.client.workflow.getHandle(workflowId).terminate();
});

test('a run that cannot be started holds up no other, and no other duty; a sweep that is missing is told', async () => {
  await database.ownerPool.query(
    `with o as (insert into rotor.organizations (name) values ('acme') returning id),
       s as (insert into rotor.secrets (organization_id, name, owner, issuer, specification, created_at)
         select id, n, 'team', 'main', '{}', now() - interval '3 days' from o, unnest(array['bad', 'fine']) kind, lateral (select kind || i as n from generate_series(1, 10) i) names
         returning id, name)
     insert into rotor.runs (id, secret_id, kind, state, requested_by, reason, idempotency_key,
       request_fingerprint, claimed_until)
     select gen_random_uuid(), id, 'rotate', 'requested', 'ann', 'x', name, 'f', now() from s`,
  );
  const started: string[] = [];
  const start = (_type: string, { staticSummary }: { staticSummary: string }) => {
    if (staticSummary.includes('bad')) return Promise.reject(coded('ECONNRESET'));
    return Promise.resolve(started.push(staticSummary));
  };
  const away = {
    getHandle: () => ({
      describe: () => Promise.reject(new WorkflowNotFoundError('x', 'x', undefined)),
    }),
  };
  const schedule = { create: () => Promise.reject(coded('ECONNREFUSED')) };
  const client = { workflow: { start, ...away }, schedule } as unknown as Client;
  const warned: Readonly<Record<string, unknown>>[] = [];
  const keeper = startKeeper({
    ...{ pool: database.pool, audit: openAudit(Buffer.alloc(32, 7)), identity: 'test' },
    temporal: { client, taskQueue: 'none' },
    ...{ issuers: [], everyMs: 60_000, collectorsEveryMs: 1 },
    warn: (_message, about) => warned.push(about),
  });
  await eventually(async () => {
    const { rowCount } = await database.pool.query(
      `select from rotor.findings where code = 'sweep-overdue' and closed_at is null`,
    );
    return rowCount === 1;
  });
  await keeper.stop();
  expect(started).toHaveLength(10);
  const failed = { unstarted: 'ECONNRESET', schedule: 'ECONNREFUSED' };
  expect(Object.assign({}, ...warned)).toEqual(failed);
});

function coded(code: string): Error {
  return Object.assign(new Error('x'), { code });
}
