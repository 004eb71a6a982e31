/**
 * Decisions under the secret's row lock: facts are read, decided upon and changed in one transaction. What is asked
 * about a run while another decision of it is under way is decided together.
 */
import pg from 'pg';
import { applied } from '../../domain/applied.js';
import { isAudited, type Change, type Decided } from '../../domain/change.js';
import { RotorError } from '../../domain/errors.js';
import { runEvents, type RouteRule } from '../../domain/event.js';
import type { Facts } from '../../domain/facts.js';
import { together } from '../../domain/together.js';
import { inTransaction, type Queryable } from '../postgres.js';
import type { AuditEvent, AuditTrail } from './audit.js';
import { beginning } from './audit-chain.js';
import { applyChanges } from './changes.js';
import { writeEvents } from './events.js';
import { readFactsAndHead, type FactsOf, type FactsRead, type TraitsOf } from './facts.js';

export interface DecidingParts {
  readonly pool: pg.Pool;
  readonly audit: AuditTrail;
  readonly traitsOf: TraitsOf;
  /** Who is told of what runs do; none: no event is written. */
  readonly routes?: readonly RouteRule[];
}

export interface Question<T> {
  readonly decision: (facts: Facts) => Decided<T>;
  /** Its destination is locked too, before the secret. */
  readonly dependencyId?: string | undefined;
}

/** What became of a question: its answer, or what its decision threw. */
type Reply = { readonly result: unknown } | { readonly failure: unknown };

/** Facts that were not read again allow only this many: what they say of the time gets old. */
const mostTogether = 100;

export async function decide<T>(
  parts: DecidingParts,
  of: FactsOf,
  question: Question<T>,
): Promise<T> {
  const [reply] = await decideTogether(parts, of, [question]);
  return answerOf<T>(reply);
}

function answerOf<T>(reply: Reply | undefined): T {
  if (reply !== undefined && 'result' in reply) return reply.result as T;
  throw reply?.failure;
}

/**
 * One transaction. The first is always answered; those after a change that asks for new facts are not. A lock that is
 * not to be had, or a run that is over, is told to all at once: none would fare better alone.
 */
async function decideTogether(
  parts: DecidingParts,
  of: FactsOf,
  questions: readonly Question<unknown>[],
): Promise<Reply[]> {
  let begun = false;
  try {
    return await inTransaction<Reply[], FactsRead | undefined>(
      parts.pool,
      async (db, read) => {
        const facts = standing(read?.facts, of.runId);
        begun = true;
        const { replies, changes } = decideInTurn(facts, questions);
        await write(db, parts, { of, read, facts, changes });
        return replies;
      },
      (db) => lockAndRead(db, parts, { of, questions }),
    );
  } catch (failure) {
    if (begun) throw failure;
    return questions.map(() => ({ failure }));
  }
}

async function lockAndRead(
  db: Queryable,
  { traitsOf }: DecidingParts,
  { of, questions }: { readonly of: FactsOf; readonly questions: readonly Question<unknown>[] },
): Promise<FactsRead | undefined> {
  const dependencyIds = questions.flatMap(({ dependencyId }) => dependencyId ?? []);
  const [, read] = await Promise.all([
    db.query(lockInOrder(of.secretId, dependencyIds)),
    readFactsAndHead(db, traitsOf, of),
  ]);
  return read;
}

interface Decision {
  readonly of: FactsOf;
  readonly read: FactsRead | undefined;
  readonly facts: Facts;
  readonly changes: readonly Change[];
}

async function write(
  db: Queryable,
  { audit, routes = [] }: DecidingParts,
  { of, read, facts, changes }: Decision,
): Promise<void> {
  const chain = { chainId: of.secretId, head: beginning, count: 0, ...read?.head };
  const told = of.imagined === undefined ? runEvents(facts, changes) : [];
  await Promise.all([
    applyChanges(db, changes, facts),
    audit.append(db, chain, auditEvents(of, changes)),
    writeEvents(db, routes, told),
  ]);
}

function decideInTurn(
  first: Facts,
  questions: readonly Question<unknown>[],
): { readonly replies: Reply[]; readonly changes: Change[] } {
  const replies: Reply[] = [];
  const changes: Change[] = [];
  let facts: Facts | undefined = first;
  for (const { decision } of questions) {
    if (facts === undefined) break;
    try {
      const decided: Decided<unknown> = decision(facts);
      replies.push({ result: decided.result });
      changes.push(...decided.changes);
      facts = applied(facts, decided.changes);
    } catch (failure) {
      replies.push({ failure });
    }
  }
  return { replies, changes };
}

interface Asked {
  readonly of: FactsOf;
  readonly question: Question<unknown>;
}

export type Decider = <T>(of: FactsOf, question: Question<T>) => Promise<T>;

/** Who asks about a run while it is being decided about waits for that, and shares the next transaction. */
export function openDecider(parts: DecidingParts): Decider {
  const ask = together((group: readonly Asked[]) => repliesTo(parts, group), mostTogether);
  return async <T>(of: FactsOf, question: Question<T>) =>
    answerOf<T>(await ask(of.runId, { of, question }));
}

/** One that cannot be written must not hold up the others: then each is decided alone. */
async function repliesTo(parts: DecidingParts, group: readonly Asked[]): Promise<Reply[]> {
  const [first] = group;
  if (first === undefined) return [];
  try {
    return await decideTogether(
      parts,
      first.of,
      group.map(({ question }) => question),
    );
  } catch (failure) {
    return group.length === 1 ? [{ failure }] : repliesTo(parts, [first]);
  }
}

/** One round trip; the ids are rotor's own, and quoted all the same. */
function lockInOrder(secretId: string, dependencyIds: readonly string[]): string {
  const dependencies = dependencyIds.map((id) => pg.escapeLiteral(id)).join(', ');
  const destinations = `select 1 from rotor.destinations where id in
    (select destination_id from rotor.dependencies where id in (${dependencies})) order by id for update`;
  return [
    'begin',
    ...(dependencies === '' ? [] : [destinations]),
    `select 1 from rotor.secrets where id = ${pg.escapeLiteral(secretId)} for update`,
  ].join('; ');
}

function auditEvents({ runId: id, imagined }: FactsOf, changes: readonly Change[]): AuditEvent[] {
  const runId = imagined === undefined ? id : undefined;
  return changes.filter(isAudited).map((event) => ({ actor: 'rotor', runId, event }));
}

export function standing(facts: Facts | undefined, runId: string): Facts {
  if (facts === undefined) throw noSuchRun(runId);
  if (facts.run.state !== 'ended') return facts;
  const { outcome } = facts.run;
  const code = outcome === 'superseded' ? 'run-superseded' : 'run-over';
  throw new RotorError(code, `run ${runId} has ended (${outcome ?? ''})`, { kind: 'conflict' });
}

export function noSuchRun(runId: string): RotorError {
  return new RotorError('no-such-run', `there is no run ${runId}`, { kind: 'missing' });
}
