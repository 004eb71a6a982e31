/** The registry in PostgreSQL: facts are read, decided upon and changed under one row lock. */
import type pg from 'pg';
import { isAudited, type Change, type Decided } from '../../domain/change.js';
import { RotorError } from '../../domain/errors.js';
import type { Facts } from '../../domain/facts.js';
import type { Registry } from '../../domain/registry.js';
import { inTransaction, type Queryable } from '../postgres.js';
import type { AuditTrail } from './audit.js';
import { adopt, imagine } from './adoption.js';
import { applyChanges, writeFinding } from './changes.js';
import { readFacts, type TraitsOf } from './facts.js';
import { dueLeases, recordUse, watchedSecrets } from './use.js';

export interface RegistryParts {
  readonly pool: pg.Pool;
  readonly audit: AuditTrail;
  readonly traitsOf: TraitsOf;
}

export function openRegistry(parts: RegistryParts): Registry {
  const { pool } = parts;
  return {
    decide: (runId, decision, options = {}) => decide(parts, { runId, decision, ...options }),
    read: async (runId) => {
      const facts = await readFacts(pool, parts.traitsOf, await subjectOf(pool, runId));
      return standing(facts, runId);
    },
    recordUse: (reading) => recordUse(pool, reading),
    watched: (issuer) => watchedSecrets(pool, issuer),
    dueLeases: (issuer) => dueLeases(pool, issuer),
    report: (secretId, finding) => writeFinding(pool, secretId, finding),
    imagine: (secret, request) => imagine(parts, secret, request),
    adopt: (adoption) => adopt(parts, adoption),
    endMonitoring: (versionId) => endMonitoring(parts, versionId),
  };
}

interface Question<T> {
  readonly runId: string;
  readonly decision: (facts: Facts) => Decided<T>;
  readonly destinationId?: string;
}

async function decide<T>(parts: RegistryParts, question: Question<T>): Promise<T> {
  const subject = await subjectOf(parts.pool, question.runId);
  return inTransaction(parts.pool, async (db) => {
    if (question.destinationId !== undefined) {
      await db.query('select 1 from rotor.destinations where id = $1 for update', [
        question.destinationId,
      ]);
    }
    await db.query('select 1 from rotor.secrets where id = $1 for update', [subject.secretId]);
    const facts = standing(await readFacts(db, parts.traitsOf, subject), question.runId);
    const { result, changes } = question.decision(facts);
    await applyChanges(db, changes, facts);
    await appendAudit(parts.audit, db, { facts, changes });
    return result;
  });
}

async function appendAudit(
  audit: AuditTrail,
  db: Queryable,
  { facts, changes }: { facts: Facts; changes: readonly Change[] },
): Promise<void> {
  const { runId } = facts.run;
  const events = changes.filter(isAudited).map((event) => ({ actor: 'rotor', runId, event }));
  await audit.append(db, facts.secret.secretId, events);
}

async function subjectOf(
  db: Queryable,
  runId: string,
): Promise<{ secretId: string; runId: string }> {
  const { rows } = await db.query<{ secret_id: string }>({
    name: 'secret-of-run',
    text: 'select secret_id from rotor.runs where id = $1',
    values: [runId],
  });
  const secretId = rows[0]?.secret_id;
  if (secretId === undefined) throw noSuchRun(runId);
  return { secretId, runId };
}

function standing(facts: Facts | undefined, runId: string): Facts {
  if (facts === undefined) throw noSuchRun(runId);
  if (facts.run.state !== 'ended') return facts;
  throw new RotorError('run-superseded', `run ${runId} has ended (${facts.run.outcome ?? ''})`, {
    kind: 'conflict',
  });
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
      `select v.secret_id, v.monitor_until as until, (select count(*) from rotor.findings f
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
