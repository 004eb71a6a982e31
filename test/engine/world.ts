/** An engine of a test's own: real Temporal and PostgreSQL, and a secret with dependents that are used from here. */
import { randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { startRun, tellRun } from '../../client/workflows.js';
import type { MayBreak, RunOptions } from '../../domain/facts.js';
import type { Policy } from '../../domain/policy.js';
import { standardPolicy } from '../../domain/policy.js';
import { secretWorkflowId, type DecisionKind, type RunKind } from '../../domain/run.js';
import { SecretValue } from '../../domain/secret-value.js';
import { openAudit } from '../../infra/registry/audit.js';
import { approveRun } from '../../infra/registry/approvals.js';
import { recordDecision } from '../../infra/registry/decisions.js';
import { openRegistry } from '../../infra/registry/open.js';
import { claimedRun, submit } from '../../infra/registry/requests.js';
import { startEngine, type EngineParts } from '../../workers/engine.js';
import { openDatabase } from '../harness/database.js';
import { sharedTemporal } from '../harness/temporal.js';
import { testIssuer, type TestIssuerOptions } from '../issuers/test-issuer.js';
import { memoryConnector, memoryStore } from './memory.js';

export const quickPolicy: Policy = {
  ...standardPolicy,
  overlapMs: 0,
  quietPeriodMs: 100,
  disablePeriodMs: 0,
  monitorPeriodMs: 1_000,
  timeouts: { mintMs: 2_000, deliverMs: 2_000, proveMs: 2_000 },
};

quietRuntime();

/** Once per process: what workers say about themselves is no test's output. */
function quietRuntime(): void {
  try {
    Runtime.install({
      logger: new DefaultLogger('ERROR'),
      telemetryOptions: {
        logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) },
      },
    });
  } catch {
    // Installed by another test of this process.
  }
}

export type World = Awaited<ReturnType<typeof openWorld>>;

const bundle = fileURLToPath(new URL('../../workflow-bundle.js', import.meta.url));

/** Tests want a keeper that looks often, and an engine that starts soon; a benchmark has the usual ones. */
export async function openWorld(
  policy: Policy = quickPolicy,
  about: TestIssuerOptions & {
    readonly keeperEveryMs?: number;
    readonly schedulesEveryMs?: number;
    readonly debugMode?: boolean;
  } = {},
) {
  const database = await openDatabase();
  const { address, namespace } = sharedTemporal();
  const taskQueue = `test-${randomBytes(4).toString('hex')}`;
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  const { pool, ownerPool } = database;
  const installation = await one(pool, 'select id from rotor.installation');
  const issuer = testIssuer(() => installation, about);
  const store = memoryStore();
  const connector = memoryConnector();
  const audit = openAudit(Buffer.alloc(32, 7));
  const traitsOf = () => issuer.traits;
  const registry = openRegistry({ pool, audit, traitsOf });
  const points: string[] = [];
  const discovery = {
    recognizer: () => Promise.resolve({ recognize: () => undefined, known: new Set<string>() }),
    places: () => [],
    destinations: () => Promise.resolve([]),
  };
  const engineParts: EngineParts = {
    access: { address },
    namespace,
    taskQueue,
    pool,
    audit,
    identity: 'test',
    workflowBundle: bundle,
    issuers: ['main'],
    keeperEveryMs: about.keeperEveryMs ?? 1_000,
    schedulesEveryMs: about.schedulesEveryMs ?? 60_000,
    graceMs: 10,
    debugMode: about.debugMode ?? true,
    ports: {
      registry,
      store,
      issuer: () => issuer,
      connector: () => connector,
      discovery,
      newId: () => randomUUID(),
      newValue: () => new SecretValue(randomUUID()),
      keptId: (place, value) => `kept ${place} ${value.reveal()}`,
      reached: (point) => points.push(point),
      warn: (message, about) => process.env['ROTOR_TEST_VERBOSE'] && console.error(message, about),
    },
  };
  let engine = await startEngine(engineParts);
  const organizationId = await one(
    ownerPool,
    `insert into rotor.organizations (name) values ('acme') returning id`,
  );
  const policyId = await one(
    ownerPool,
    'insert into rotor.policies (organization_id, name, policy) values ($1, $2, $3) returning id',
    [organizationId, policy.name, policy],
  );
  const secretId = await one(
    ownerPool,
    `insert into rotor.secrets (organization_id, name, owner, issuer, specification, policy_id)
     values ($1, 'api', 'team', 'main', '{}', $2) returning id`,
    [organizationId, policyId],
  );
  return {
    database,
    client,
    taskQueue,
    /** No worker for as long as this takes. */
    async withoutWorker(work: () => Promise<void>) {
      await engine.stop();
      await work();
      engine = await startEngine(engineParts);
    },
    issuer,
    store,
    connector,
    registry,
    audit,
    points,
    secretId,
    installation,
    /** Another one, with a dependent that is proven by what its destination holds. */
    async addSecret(name: string) {
      const id = await one(
        ownerPool,
        `insert into rotor.secrets (organization_id, name, owner, issuer, specification, policy_id)
         values ($1, $2, 'team', 'main', '{}', $3) returning id`,
        [organizationId, name, policyId],
      );
      await ownerPool.query(
        `with t as (insert into rotor.dependents (organization_id, name, owner)
             values ($1, $2, 'team') returning id),
           e as (insert into rotor.destinations (connector, identity, address)
             values ('memory', $2, '{}') returning id)
         insert into rotor.dependencies (secret_id, dependent_id, destination_id, owner,
           least_evidence, picks_up_within_ms) select $3, t.id, e.id, 'team', 'read-back', 0 from t, e`,
        [organizationId, name, id],
      );
      return id;
    },
    async depend(name: string, about: Record<string, unknown> = {}) {
      const dependentId = await one(
        ownerPool,
        `insert into rotor.dependents (organization_id, name, owner) values ($1, $2, 'team') returning id`,
        [organizationId, name],
      );
      const destinationId = await one(
        ownerPool,
        `insert into rotor.destinations (connector, identity, address) values ('memory', $1, '{}') returning id`,
        [name],
      );
      return one(
        ownerPool,
        `insert into rotor.dependencies (secret_id, dependent_id, destination_id, owner,
           least_evidence, seen_as, picks_up_within_ms, assignment)
         values ($1, $2, $3, 'team', $4, $5, $6, $7) returning id`,
        [
          secretId,
          dependentId,
          destinationId,
          about['evidence'] ?? 'observed',
          { userAgent: name },
          about['picksUpWithinMs'] ?? 0,
          about['assignment'] ?? null,
        ],
      );
    },
    /** A credential older than rotor with its value known; current, unless it is said to be a leftover. */
    async adopt(about: { readonly ordinal?: number; readonly current?: boolean } = {}) {
      const value = `old-${randomUUID()}`;
      const credentialId = issuer.adopted(value);
      const versionId = randomUUID();
      store.values.set(versionId, value);
      await ownerPool.query(
        `insert into rotor.versions (id, secret_id, ordinal, state, is_current, origin, value,
           credential_id, activated_at, confirmed_at)
         values ($1, $2, $4, 'active', $5, 'adopted', 'sealed', $3, now(), now())`,
        [versionId, secretId, credentialId, about.ordinal ?? 1, about.current ?? true],
      );
      return { value, versionId };
    },
    async specify(specification: Record<string, unknown>) {
      await ownerPool.query('update rotor.secrets set specification = $1', [specification]);
    },
    async ask(kind: RunKind, options: RunOptions = {}, person = 'requester') {
      const request = {
        organization: 'acme',
        secret: 'api',
        kind,
        requestedBy: 'test',
        requestedPerson: person,
        reason: 'test',
        options: { noDependentsKnown: true, ...options },
        idempotencyKey: randomUUID(),
      };
      const submitted = await submit({ pool, audit }, request, 'test');
      const run = await claimedRun(pool, submitted.runId, 'test');
      if (run !== undefined) await startRun({ client, taskQueue }, run);
      return submitted.runId;
    },
    async decide(runId: string, kind: DecisionKind, about?: string | MayBreak) {
      const parts = { pool, audit, traitsOf };
      const secret = await recordDecision(parts, {
        runId,
        kind,
        ...(typeof about === 'object' ? { accepted: about } : { dependent: about }),
        by: { name: 'test', person: undefined },
        reason: 'test',
      });
      await tellRun({ client, taskQueue }, secret, { what: kind, by: 'test' });
    },
    decisionParts: { pool, audit, traitsOf },
    withholdingParts: { pool, audit },
    /** Tells the run, too. */
    async approve(runId: string, person: string, plan?: string) {
      const { rows } = await pool.query<{ plan_hash: string }>(
        'select plan_hash from rotor.runs where id = $1',
        [runId],
      );
      const by = { name: person, person, holder: 'person', organization: undefined } as const;
      const { holding, needed, repeated } = await approveRun(
        { pool, audit, traitsOf },
        {
          runId,
          plan: plan ?? rows[0]?.plan_hash ?? '',
          by: { ...by, role: 'approver' },
          reason: 'test',
        },
      );
      await tellRun({ client, taskQueue }, secretId, { what: 'approved', by: person });
      return { holding, needed, repeated };
    },
    tell: () => tellRun({ client, taskQueue }, secretId, { what: 'declared', by: 'test' }),
    terminate: () => client.workflow.getHandle(secretWorkflowId(secretId)).terminate(),
    async findings() {
      const { rows } = await pool.query<{ code: string }>(
        'select code from rotor.findings where closed_at is null',
      );
      return rows.map(({ code }) => code);
    },
    result: (): Promise<string> => client.workflow.getHandle(secretWorkflowId(secretId)).result(),
    async versions() {
      const { rows } = await pool.query<{
        ordinal: number;
        state: string;
        is_current: boolean;
        value: string;
      }>('select ordinal, state, is_current, value from rotor.versions order by ordinal');
      return rows.map((row) => `v${row.ordinal} ${row.state}${row.is_current ? ' current' : ''}`);
    },
    async run(runId: string) {
      const { rows } = await pool.query<Record<string, unknown>>(
        'select * from rotor.runs where id = $1',
        [runId],
      );
      return rows[0] ?? {};
    },
    async close() {
      await engine.stop();
      await connection.close();
      await database.close();
    },
  };
}

async function one(
  db: { query(text: string, values?: unknown[]): Promise<{ rows: { id: string }[] }> },
  text: string,
  values: unknown[] = [],
): Promise<string> {
  const { rows } = await db.query(text, values);
  const id = rows[0]?.id;
  if (id === undefined) throw new Error('no row');
  return id;
}

/** Programs that use what their destination holds, and whatever else they know, every few milliseconds. */
export function keepUsing(
  world: World,
  names: readonly string[],
  fallback: () => string | undefined,
) {
  const refused: string[] = [];
  const timer = setInterval(() => {
    for (const name of names) {
      const value = world.connector.places.get(name) ?? fallback();
      if (value !== undefined && !world.issuer.use(value, { userAgent: name })) refused.push(name);
    }
  }, 20);
  return { refused, stop: () => clearInterval(timer) };
}
