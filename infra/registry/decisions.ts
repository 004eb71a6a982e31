/** Decisions of people, as facts: checked against what is still possible, written with their audit event. */
import { randomUUID } from 'node:crypto';
import { namesNobody, unknownNames } from '../../domain/acceptance.js';
import { RotorError } from '../../domain/errors.js';
import type { Facts, MayBreak } from '../../domain/facts.js';
import { wayBack } from '../../domain/plan.js';
import type { DecisionKind } from '../../domain/run.js';
import { isPaused } from '../../domain/steps/standing.js';
import { whyNoWayBack } from '../../domain/way-back.js';
import { inTransaction, type Queryable } from '../postgres.js';
import type { Principal } from './access-tokens.js';
import { endRun } from './run-end.js';
import { lockRun, refused, type SayingParts } from './locked-run.js';

export interface Decision {
  readonly runId: string;
  readonly kind: DecisionKind;
  readonly dependent?: string | undefined;
  /** Of `accept-outage` only, and always: who may break. */
  readonly accepted?: MayBreak | undefined;
  readonly by: Pick<Principal, 'name' | 'person'>;
  readonly reason: string;
}

/** The secret whose run has to be told. */
export async function recordDecision(parts: SayingParts, decision: Decision): Promise<string> {
  return inTransaction(parts.pool, async (db) => {
    const { runId } = decision;
    const { secretId, facts } = await lockRun(db, parts.traitsOf, runId);
    refuseImpossible(facts, decision);
    await insert(db, decision, dependencyOf(facts, decision));
    await endQueued(db, facts, decision);
    const { by, ...decided } = decision;
    const event = { change: 'decided', ...decided, by: by.name };
    await parts.audit.append(db, secretId, [{ actor: by.name, runId, event }]);
    return secretId;
  });
}

function missing(message: string): RotorError {
  return new RotorError('no-such-dependent', message, { kind: 'missing' });
}

const refusals: Partial<Record<DecisionKind, (facts: Facts, decision: Decision) => void>> = {
  pause: refusePause,
  resume: (facts) => {
    if (!isPaused(facts)) throw refused('not-paused', 'it is not paused');
  },
  'roll-back': refuseTurn,
  abort: refuseTurn,
  'accept-outage': refuseAcceptance,
  'accept-unseen-use': refuseAcceptance,
  'ignore-window': refuseWindow,
};

function refuseImpossible(facts: Facts, decision: Decision): void {
  if (facts.run.state === 'ended') throw refused('run-ended', 'this run is over');
  refusals[decision.kind]?.(facts, decision);
}

function refusePause(facts: Facts): void {
  if (facts.run.kind === 'compromise')
    throw refused('not-pausable', 'containing a compromise is not paused');
  if (isPaused(facts)) throw refused('paused-already', 'it is paused already');
}

function refuseAcceptance(facts: Facts, { kind, accepted }: Decision): void {
  if (facts.run.kind === 'compromise')
    throw refused('accepted-already', 'containing a compromise accepts everybody who breaks');
  if (kind !== 'accept-outage') return;
  const named = [...(accepted?.dependents ?? []), ...(accepted?.sources ?? [])];
  if (accepted === undefined || named.length === 0) {
    const hint =
      'rotor decide RUN accept-outage --reason TEXT --dependent NAME, or --source SOURCE';
    throw new RotorError('outage-needed', 'who may break?', { kind: 'invalid', hint });
  }
  const problems = unknownNames(facts, accepted);
  if (problems.length > 0) throw namesNobody(problems);
}

function refuseWindow({ run, policy }: Facts): void {
  if (run.kind === 'compromise' || policy.maintenance === undefined)
    throw refused('no-window', 'this run waits for no maintenance window');
}

function refuseTurn(facts: Facts): void {
  if (facts.run.kind === 'compromise')
    throw refused('not-reversible', 'a compromise is not rolled back');
  if (wayBack(facts) !== undefined) throw refused('turned-already', 'it is rolled back already');
  const closed = whyNoWayBack(facts);
  if (closed === 'revoke-called')
    throw refused(closed, 'the old version was revoked: there is no way back');
  if (closed === 'no-way-back') {
    const hint = 'rotor adopt SECRET --value-stdin makes the old value known';
    throw refused(closed, 'there is no earlier version that lives and has a known value', hint);
  }
}

/** Nothing of it has happened yet: there is nothing to roll back. */
async function endQueued(db: Queryable, { run }: Facts, { kind }: Decision): Promise<void> {
  if (run.state !== 'queued' || (kind !== 'abort' && kind !== 'roll-back')) return;
  await endRun(db, run.runId, 'rolled-back');
}

function dependencyOf(facts: Facts, { kind, dependent }: Decision): string | undefined {
  if (dependent === undefined) {
    if (kind === 'skip')
      throw refused('dependent-needed', 'which dependent is to be skipped?', '--dependent NAME');
    return undefined;
  }
  const found = facts.dependencies.find((d) => d.dependent === dependent);
  if (found === undefined) throw missing(`${dependent} does not depend on this secret`);
  return found.dependencyId;
}

async function insert(
  db: Queryable,
  decision: Decision,
  dependencyId: string | undefined,
): Promise<void> {
  await db.query(
    `insert into rotor.decisions (id, run_id, kind, dependency_id, decided_by, reason, accepted, person)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      randomUUID(),
      decision.runId,
      decision.kind,
      dependencyId ?? null,
      decision.by.name,
      decision.reason,
      decision.accepted === undefined ? null : JSON.stringify(decision.accepted),
      decision.by.person ?? null,
    ],
  );
}
