/** The registry in PostgreSQL: facts are read, decided upon and changed under one row lock. */
import pg from 'pg';
import { isAudited, type Change, type Decided } from '../../domain/change.js';
import { RotorError } from '../../domain/errors.js';
import { runEvents, type RouteRule } from '../../domain/event.js';
import type { Facts } from '../../domain/facts.js';
import type { ImaginedRequest, Registry } from '../../domain/registry.js';
import { inTransaction } from '../postgres.js';
import { beginning, type AuditEvent, type AuditTrail } from './audit.js';
import { adopt, imagine, imaginedRun } from './adoption.js';
import { applyChanges } from './changes.js';
import { writeEvents } from './events.js';
import {
  readFacts,
  readFactsAndHead,
  type FactsOf,
  type FactsRead,
  type TraitsOf,
} from './facts.js';
import { newestLease, settleDelivery, settleMint } from './leases.js';
import { openSweepBook } from './sweep.js';
import { dueLeases, recordUse, watchedSecrets } from './use.js';

export interface RegistryParts {
  readonly pool: pg.Pool;
  readonly audit: AuditTrail;
  readonly traitsOf: TraitsOf;
  /** Who is told of what runs do; none: no event is written. */
  readonly routes?: readonly RouteRule[];
}

interface OpenParts extends RegistryParts {
  readonly subjects: Map<string, string>;
}

const mostSubjects = 10_000;

export function openRegistry(given: RegistryParts): Registry {
  const parts: OpenParts = { ...given, subjects: new Map() };
  const { pool } = parts;
  return {
    sweeps: openSweepBook(pool),
    decide: async (runId, decision, options = {}) =>
      decide(parts, { of: await subjectOf(parts, runId), decision, ...options }),
    decideAlone: (secretId, decision) =>
      decide(parts, { of: { secretId, ...imaginedRun(nobodyAsked) }, decision }),
    read: async (runId) => {
      const facts = await readFacts(pool, parts.traitsOf, await subjectOf(parts, runId));
      return standing(facts, runId);
    },
    newestLease: (destinationId) => newestLease(pool, destinationId),
    settleMint: (effectId) => settleMint(pool, effectId),
    settleDelivery: (destinationId, generation) => settleDelivery(pool, destinationId, generation),
    recordUse: (reading) => recordUse(pool, reading),
    watched: (issuer) => watchedSecrets(pool, issuer),
    dueLeases: (issuer) => dueLeases(pool, issuer),
    imagine: (secret, request) => imagine(parts, secret, request),
    adopt: (adoption) => adopt(parts, adoption),
    endMonitoring: (versionId) => endMonitoring(parts, versionId),
  };
}

const nobodyAsked: ImaginedRequest = { kind: 'rotate', options: {}, by: 'rotor' };

interface Question<T> {
  readonly of: FactsOf;
  readonly decision: (facts: Facts) => Decided<T>;
  readonly dependencyId?: string;
}

async function decide<T>(parts: OpenParts, question: Question<T>): Promise<T> {
  const { of, decision } = question;
  const locks = lockInOrder(of.secretId, question.dependencyId);
  return inTransaction<T, FactsRead | undefined>(
    parts.pool,
    async (db, read) => {
      const facts = standing(read?.facts, of.runId);
      const { result, changes } = decision(facts);
      const events = auditEvents(of, changes);
      const chain = { chainId: of.secretId, head: beginning, count: 0, ...read?.head };
      const applied = applyChanges(db, changes, facts);
      const told = of.imagined === undefined ? runEvents(facts, changes) : [];
      await Promise.all([
        applied,
        parts.audit.append(db, chain, events),
        writeEvents(db, parts.routes ?? [], told),
      ]);
      return result;
    },
    async (db): Promise<FactsRead | undefined> => {
      const [, read] = await Promise.all([
        db.query(locks),
        readFactsAndHead(db, parts.traitsOf, of),
      ]);
      return read;
    },
  );
}

/** One round trip; the ids are rotor's own, and quoted all the same. */
function lockInOrder(secretId: string, dependencyId: string | undefined): string {
  const lock = (table: string, which: string): string =>
    `select 1 from rotor.${table} where id = ${which} for update`;
  const destination = (id: string): string =>
    `(select destination_id from rotor.dependencies where id = ${pg.escapeLiteral(id)})`;
  return [
    'begin',
    ...(dependencyId === undefined ? [] : [lock('destinations', destination(dependencyId))]),
    lock('secrets', pg.escapeLiteral(secretId)),
  ].join('; ');
}

function auditEvents({ runId: id, imagined }: FactsOf, changes: readonly Change[]): AuditEvent[] {
  const runId = imagined === undefined ? id : undefined;
  return changes.filter(isAudited).map((event) => ({ actor: 'rotor', runId, event }));
}

/** A run never changes its secret: asked for once. */
async function subjectOf(
  { pool, subjects }: OpenParts,
  runId: string,
): Promise<{ secretId: string; runId: string }> {
  const known = subjects.get(runId);
  if (known !== undefined) return { secretId: known, runId };
  const { rows } = await pool.query<{ secret_id: string }>(
    'select secret_id from rotor.runs where id = $1',
    [runId],
  );
  const secretId = rows[0]?.secret_id;
  if (secretId === undefined) throw noSuchRun(runId);
  if (subjects.size >= mostSubjects) subjects.clear();
  subjects.set(runId, secretId);
  return { secretId, runId };
}

function standing(facts: Facts | undefined, runId: string): Facts {
  if (facts === undefined) throw noSuchRun(runId);
  if (facts.run.state !== 'ended') return facts;
  const { outcome } = facts.run;
  const code = outcome === 'superseded' ? 'run-superseded' : 'run-over';
  throw new RotorError(code, `run ${runId} has ended (${outcome ?? ''})`, { kind: 'conflict' });
}

function noSuchRun(runId: string): RotorError {
  return new RotorError('no-such-run', `there is no run ${runId}`, { kind: 'missing' });
}

async function endMonitoring(
  { pool, audit }: RegistryParts,
  versionId: string,
): Promise<{ until: Date; findings: number }> {
  return inTransaction(pool, async (db) => {
    const { rows } = await db.query<{ secret_id: string; until: Date; findings: string }>(
      `select v.secret_id, coalesce(v.monitor_until, case when exists (select from rotor.runs r
           where r.secret_id = s.id and r.state = 'running')
         then clock_timestamp() + interval '1 second' else clock_timestamp() end) as until, (select count(*) from rotor.findings f
         where f.version_id = v.id and f.code = 'revoked-use') as findings
       from rotor.versions v join rotor.secrets s on s.id = v.secret_id where v.id = $1
       for update of s`,
      [versionId],
    );
    const row = rows[0];
    if (row === undefined)
      throw new RotorError('no-such-version', 'no such version', { kind: 'missing' });
    const findings = Number(row.findings);
    if (row.until <= new Date()) {
      const event = { change: 'monitoring-ended', versionId, findings };
      await audit.append(db, row.secret_id, [{ actor: 'rotor', event }]);
    }
    return { until: row.until, findings };
  });
}
