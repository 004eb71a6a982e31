/** What `rotor doctor` looks at: every part, from where the API stands, with what to do about it. */
import { ageInWords } from '../domain/duration.js';
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import type { Check } from '../api/parts.js';
import { AdapterError, RotorError } from '../domain/errors.js';
import type { IssuedSecret } from '../domain/issuer.js';
import { clockTold } from '../domain/quiet.js';
import { urgentTaskQueue } from '../domain/run.js';
import {
  inventoryFile,
  inventoryPurpose,
  readInventory,
  staleAfterMs,
} from '../infra/direct/inventory-file.js';
import { hasCode } from '../infra/error-code.js';
import type { AuditVerdict } from '../infra/registry/audit-verify.js';
import { recoveryState } from '../infra/registry/recovery.js';
import { routeStates } from '../infra/registry/routes.js';
import { isPolling } from '../infra/is-polling.js';
import { issuerKinds } from '../issuers/index.js';
import { describeAccess, usualTemporal } from '../infra/temporal-access.js';
import { demandBelievable } from '../infra/temporal-connection.js';
import { faultAfter } from '../infra/temporal-fault.js';
import type { ConfiguredInstance } from '../schemas/configuration.js';
import { asksPeople, openPlace, type Parts } from './parts.js';
import type { Settings } from './settings.js';
import { lookAtStores } from './stores.js';

const longestLookMs = 5_000;

type Look = () => Promise<string>;

const temporalWithinMs = 5_000;

/** gRPC's code. */
const notFound = 5;

export interface Checked {
  readonly settings: Settings;
  readonly parts: Parts;
  readonly connection: Connection;
  /** Undefined: whoever asks may not know of the whole trail. */
  readonly verifyAudit: (() => Promise<AuditVerdict>) | undefined;
}

export async function checkParts({
  settings,
  parts,
  connection,
  verifyAudit,
}: Checked): Promise<Check[]> {
  return Promise.all([
    look('database', 'is PostgreSQL up, and DATABASE_URL right?', () => database(parts)),
    look('temporal', 'is it running, at that address? npm run setup prepares its namespace', () =>
      temporal(settings, connection),
    ),
    look('worker', 'start a worker: npm start, or node dist/workers/worker.js', () =>
      worker(settings, connection),
    ),
    look('recovery', 'rotor recover --dry-run shows what was lost', () => recovery(parts)),
    ...trailLooks(verifyAudit),
    look('inventory', 'is a worker alive, and can it write into its state folder?', () =>
      inventory(settings, parts),
    ),
    ...storeLooks(parts),
    ...issuerLooks(settings, parts),
    ...connectorLooks(settings, parts),
    ...placeLooks(settings),
    ...parts.routes.map(({ name }) =>
      look(`route ${name}`, `docs/notifications.md; rotor notify test ${name}`, () =>
        notificationRoute(parts, name),
      ),
    ),
  ]);
}

function issuerLooks({ configuration }: Settings, parts: Parts): Promise<Check>[] {
  return Object.keys(configuration.issuers).map((name) =>
    look(
      `issuer ${name}`,
      'is it up (and not sealed)? do its address, login and files in rotor.yaml fit?',
      () => issuer(parts, name),
    ),
  );
}

function connectorLooks({ configuration }: Settings, parts: Parts): Promise<Check>[] {
  return Object.keys(configuration.connectors).map((kind) =>
    look(`connector ${kind}`, 'see its options in rotor.yaml', () => {
      if (!asksPeople(kind)) parts.connector(kind);
      return Promise.resolve('configured');
    }),
  );
}

async function look(part: string, hint: string, work: Look): Promise<Check> {
  try {
    return { part, fine: true, told: await Promise.race([work(), tooLong()]) };
  } catch (error) {
    const known = error instanceof RotorError ? error.hint : undefined;
    return { part, fine: false, told: told(error), hint: known ?? hint };
  }
}

/** Doctors are called when something hangs: they do not. */
async function tooLong(): Promise<never> {
  await pause(longestLookMs, undefined, { ref: false });
  throw new NotFine(`no answer within ${longestLookMs / 1_000} s`);
}

class NotFine extends Error {}

function told(error: unknown): string {
  const ours = [NotFine, AdapterError, RotorError];
  if (error instanceof Error && ours.some((kind) => error instanceof kind)) return error.message;
  if (error instanceof Error && 'code' in error && typeof error.code === 'string')
    return `failed: ${error.code}`;
  return error instanceof Error ? `failed: ${error.name}` : 'failed';
}

/** A run is started within moments of being asked for; one that waits longer shows that no worker is alive. */
const startedWithinSeconds = 20;

async function database({ pool }: Parts): Promise<string> {
  const { rows } = await pool.query<{ version: string; waiting: number; late: number }>(
    `select current_setting('server_version') as version, count(r)::int as waiting,
       count(r) filter (where r.requested_at < clock_timestamp() - make_interval(secs => $1)
         and r.claimed_until < clock_timestamp())::int as late
     from (select) one left join rotor.runs r on r.state = 'requested'`,
    [startedWithinSeconds],
  );
  const { version = '?', waiting = 0, late = 0 } = rows[0] ?? {};
  if (late > 0) throw new NotFine(`${late} runs wait to be started: is a worker alive?`);
  return `PostgreSQL ${version}, ${waiting} runs not started yet`;
}

async function temporal(settings: Settings, connection: Connection): Promise<string> {
  const { namespace, temporal: access = usualTemporal } = settings;
  const { config } = await soon(settings, connection, () =>
    connection.workflowService.describeNamespace({ namespace }),
  ).catch(async (error: unknown) => {
    if (hasCode(error, notFound)) throw new NotFine(`there is no namespace ${namespace}`);
    if (error instanceof RotorError) throw error;
    throw (await faultAfter(error, access)) ?? error;
  });
  const days = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) / 86_400;
  if (days < 30) throw new NotFine(`namespace ${namespace} keeps histories for ${days} days only`);
  return `${describeAccess(access)}; namespace ${namespace}, histories kept for ${days} days`;
}

/** The client tries again for long, while whoever asks the doctor waits. */
async function soon<Answer>(
  { temporal: access = usualTemporal }: Settings,
  connection: Connection,
  call: () => Promise<Answer>,
): Promise<Answer> {
  await demandBelievable(access);
  return connection.withDeadline(Date.now() + temporalWithinMs, call);
}

async function worker(settings: Settings, connection: Connection): Promise<string> {
  const { namespace, taskQueue } = settings;
  for (const queue of [taskQueue, urgentTaskQueue(taskQueue)]) {
    const polled = await soon(settings, connection, () =>
      isPolling(connection, { namespace, taskQueue: queue, host: '' }),
    );
    if (!polled) throw new NotFine(`nobody works on queue ${queue}`);
  }
  return 'both queues are worked on';
}

async function recovery({ pool }: Parts): Promise<string> {
  const { recovering, cause } = await recoveryState(pool);
  if (recovering) throw new NotFine(`nothing is revoked: ${cause ?? 'the database was set back'}`);
  return 'the database is not older than what workers have seen of it';
}

function trailLooks(verify: Checked['verifyAudit']): Promise<Check>[] {
  if (verify === undefined) return [];
  return [look('audit trail', 'rotor audit verify names the events', () => auditTrail(verify))];
}

async function auditTrail(verify: () => Promise<AuditVerdict>): Promise<string> {
  const { events, faults } = await verify();
  if (faults.length > 0) throw new NotFine(`${faults.length} chains were tampered with`);
  return `${events} events, complete and unchanged`;
}

function storeLooks(parts: Parts): Promise<Check>[] {
  return [
    look('sealed values', 'the key file must hold every key that values were sealed with', () =>
      sealed(parts),
    ),
    look('store', 'see its options in rotor.yaml, under store and formerStores', () =>
      lookAtStores(parts),
    ),
  ];
}

async function sealed({ pool, store }: Parts): Promise<string> {
  const { rows } = await pool.query<{ version_id: string }>(
    `select version_id from (select distinct on (kid) version_id from sealed.values) one_per_key`,
  );
  for (const { version_id } of rows) await store.get(version_id);
  return rows.length === 0 ? 'none yet' : `sealing keys in use: ${rows.length}, each opens`;
}

/** What `rotor contain --direct` goes by. Of this state folder: a worker elsewhere keeps its own. */
async function inventory({ stateFolder }: Settings, { keys }: Parts): Promise<string> {
  if (!existsSync(inventoryFile({ stateFolder })))
    return 'none in this state folder; each worker keeps one in its own';
  const { writtenAt, secrets } = readInventory({
    stateFolder,
    key: keys.derive(inventoryPurpose),
  });
  const ageMs = Date.now() - writtenAt.getTime();
  const age = `${ageInWords(ageMs)} old`;
  if (ageMs > staleAfterMs) throw new NotFine(`the inventory is ${age}`);
  return `${secrets.length} secrets, ${age}`;
}

/** Asked about a secret that is declared there: what else to ask by only some kinds know. */
async function issuer({ issuer: open, pool }: Parts, name: string): Promise<string> {
  const { kind, traits, list, check } = open(name);
  await check?.();
  const clock = await clockOf(pool, name);
  const told = `${kind}, record of use: ${traits.useRecord}${clock === undefined ? '' : `; ${clock}`}`;
  if (!traits.lists) return told;
  const { rows } = await pool.query<IssuedSecret>(
    `select s.id as "secretId", o.name || '/' || s.name as name, s.specification
     from rotor.secrets s join rotor.organizations o on o.id = s.organization_id
     where s.issuer = $1 and s.retired_at is null order by s.created_at limit 1`,
    [name],
  );
  const probe = issuerKinds.find((one) => one.kind === kind)?.probe;
  const asked = rows[0] ?? (probe && { ...nobody, specification: { ...probe } });
  if (asked === undefined) return `${told}; no secret of it yet, so it was not asked`;
  await list(asked);
  return told;
}

/** As the last record of use was read there. */
async function clockOf(pool: Parts['pool'], issuerName: string): Promise<string | undefined> {
  const { rows } = await pool.query<{ skewMs: number }>(
    `select r.skew_ms::float8 as "skewMs" from rotor.use_records r
     join rotor.secrets s on s.id = r.secret_id where s.issuer = $1
     order by r.read_at desc limit 1`,
    [issuerName],
  );
  return clockTold(rows[0]?.skewMs ?? 0);
}

const nobody = { secretId: 'doctor', name: 'rotor/doctor' };

function placeLooks({ configuration }: Settings): Promise<Check>[] {
  return configuration.places.map((one, index) =>
    look(`place ${one.kind}`, `see discover.${index} in rotor.yaml`, () => place(one)),
  );
}

/** What a discovery looks at, from where the API stands: workers that are elsewhere see their own. */
async function place(configured: ConfiguredInstance): Promise<string> {
  const { name, check } = openPlace(configured);
  return `${name} ${await check(AbortSignal.timeout(longestLookMs - 500))}`;
}

/** Nothing is sent; what was not delivered lately is told, too. */
async function notificationRoute({ channel, pool }: Parts, name: string): Promise<string> {
  const told = await channel(name).check(AbortSignal.timeout(longestLookMs - 500));
  const [state] = await routeStates(pool, [name]);
  const { pending = 0, failure = null } = state ?? {};
  if (failure !== null) throw new NotFine(`${pending} not delivered: ${failure}`);
  return pending === 0 ? told : `${told}; ${pending} to be sent`;
}
