/** The registry in PostgreSQL: facts are read, decided upon and changed under one row lock. */
import { RotorError } from '../../domain/errors.js';
import type { ImaginedRequest, Registry } from '../../domain/registry.js';
import { inTransaction } from '../postgres.js';
import { adopt, imagine, imaginedRun } from './adoption.js';
import { decide, noSuchRun, openDecider, standing, type DecidingParts } from './decide.js';
import { readFacts } from './facts.js';
import { newestLease, settleDelivery, settleMint } from './leases.js';
import { noticeSetBack, openRecoveryBook } from './recovery.js';
import { openSweepBook } from './sweep.js';
import { dueLeases, recordUse, watchedSecrets } from './use.js';

export type RegistryParts = DecidingParts;

interface OpenParts extends RegistryParts {
  readonly subjects: Map<string, string>;
}

const mostSubjects = 10_000;

const unknownRun = 'no-such-run';

export function openRegistry(given: RegistryParts): Registry {
  const parts: OpenParts = { ...given, subjects: new Map() };
  const { pool } = parts;
  const ask = openDecider(parts);
  return {
    sweeps: openSweepBook(pool),
    recovery: openRecoveryBook(parts),
    decide: (runId, decision, options = {}) =>
      ofKnownRun(parts, runId, async () =>
        ask(await subjectOf(parts, runId), { decision, ...options }),
      ),
    decideAlone: (secretId, decision) =>
      decide(parts, { secretId, ...imaginedRun(nobodyAsked) }, { decision }),
    read: (runId) =>
      ofKnownRun(parts, runId, async () => {
        const facts = await readFacts(pool, parts.traitsOf, await subjectOf(parts, runId));
        return standing(facts, runId);
      }),
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

/** A run's row is there before its workflow is: one that is carried out without a row was lost. */
async function ofKnownRun<T>(parts: OpenParts, runId: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RotorError && error.code === unknownRun)
      await noticeSetBack(parts, `Temporal carries out run ${runId}, and the registry has lost it`);
    throw error;
  }
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

async function endMonitoring(
  { pool, audit }: RegistryParts,
  versionId: string,
): Promise<{ until: Date; findings: number }> {
  return inTransaction(pool, async (db) => {
    const { rows } = await db.query<{ secret_id: string; until: Date; findings: string }>(
      `select v.secret_id, coalesce(v.monitor_until, case when exists (select from rotor.runs r
           where r.secret_id = s.id and r.state = 'running')
         -- The run may be held for weeks before it says until when: the longer it takes, the more seldom it is asked.
         then clock_timestamp() + least(interval '10 minutes', interval '1 second'
           + (clock_timestamp() - coalesce(v.revoked_at, v.created_at)) / 10)
         else clock_timestamp() end) as until, (select count(*) from rotor.findings f
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
