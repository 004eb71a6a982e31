/** Links that show a value once: random, kept as hashes, bound to one task; each opening is on record, and that it was refused. */
import { randomBytes } from 'node:crypto';
import { isAudited, type Change } from '../../domain/change.js';
import { RotorError } from '../../domain/errors.js';
import type { UseSource } from '../../domain/issuer.js';
import {
  linkRefusals,
  whyNothingToShow,
  whyNotShown,
  type LinkRefusal,
} from '../../domain/showing.js';
import { handedOver } from '../../domain/steps/ask.js';
import { inTransaction, type Queryable } from '../postgres.js';
import { applyChanges } from './changes.js';
import type { SayingParts } from './locked-run.js';
import { lockTask, type LockedTask } from './locked-task.js';
import { countRefusal, refusedLately } from './link-refusals.js';
import { hashOf } from './token-hash.js';

export interface LinkCall {
  readonly taskId: string;
  readonly validForMs: number;
  readonly by: string;
}

export interface Issued {
  /** Nobody can read it again. */
  readonly token: string;
  readonly expiresAt: Date;
}

/** A link before it is dead from now on. */
export async function issueLink(
  { pool, audit, traitsOf }: SayingParts,
  { taskId, validForMs, by }: LinkCall,
): Promise<Issued> {
  const token = `rotor_task_${randomBytes(32).toString('base64url')}`;
  return inTransaction(pool, async (db) => {
    const { secretId, runId, facts, task } = await lockTask(db, traitsOf, taskId);
    const why = task === undefined ? 'task-settled' : whyNothingToShow(facts, task);
    if (why !== undefined) throw nothingToShow(why);
    const expiresAt = new Date(facts.now.getTime() + validForMs);
    const { rows } = await db.query<{ id: string }>(
      `insert into rotor.task_links (task_id, hash, issued_by, expires_at)
       values ($1, $2, $3, $4) returning id`,
      [taskId, hashOf(token), by, expiresAt],
    );
    const event = { change: 'link-issued', taskId, linkId: rows[0]?.id, expiresAt };
    await audit.append(db, secretId, [{ actor: by, runId, event }]);
    return { token, expiresAt };
  });
}

function nothingToShow(why: LinkRefusal): RotorError {
  const hint = 'rotor tasks list shows what waits now';
  return new RotorError('nothing-to-show', `there is no value to show: ${linkRefusals[why]}`, {
    kind: 'conflict',
    hint,
  });
}

export interface OpeningCall {
  readonly token: string;
  /** From where. */
  readonly source: UseSource;
}

export type Opened =
  | {
      readonly kind: 'shown';
      readonly versionId: string;
      readonly secretId: string;
      readonly by: string;
    }
  | {
      readonly kind: 'refused';
      readonly why: LinkRefusal;
      readonly openedAt: Date | undefined;
      readonly issuedBy: string;
    }
  /** No link of ours. */
  | { readonly kind: 'unknown' };

interface Link {
  readonly id: string;
  readonly task_id: string;
  readonly issued_by: string;
  readonly opened_at: Date | null;
}

/** Burns the link before anybody reads the value: two who open it at once are one who is shown it. */
export async function openLink(parts: SayingParts, call: OpeningCall): Promise<Opened> {
  return inTransaction(parts.pool, async (db) => {
    const { rows } = await db.query<Link>('select * from rotor.task_links where hash = $1', [
      hashOf(call.token),
    ]);
    const link = rows[0];
    if (link === undefined) return { kind: 'unknown' };
    const before = await refusedLately(db, link.id);
    if (before !== undefined) return refusal(link, before);
    const locked = await lockTask(db, parts.traitsOf, link.task_id);
    const { facts, task } = locked;
    const why = task === undefined ? 'task-settled' : whyNotShown(facts, task, link.id);
    const opening: Opening = { parts, db, link, locked, source: call.source };
    return why === undefined ? show(opening) : refuse(opening, why);
  });
}

interface Opening {
  readonly parts: SayingParts;
  readonly db: Queryable;
  readonly link: Link;
  readonly locked: LockedTask;
  readonly source: UseSource;
}

async function refuse(opening: Opening, why: LinkRefusal): Promise<Opened> {
  const { db, link } = opening;
  const { times, isDue } = await countRefusal(db, link.id, why);
  if (isDue) await note(opening, { change: 'link-refused', why, times });
  // Read again under the lock: whoever was first may have come just before.
  const { rows } = await db.query<Link>('select * from rotor.task_links where id = $1', [link.id]);
  return refusal(rows[0] ?? link, why);
}

function refusal({ opened_at: openedAt, issued_by: issuedBy }: Link, why: LinkRefusal): Opened {
  return { kind: 'refused', why, openedAt: openedAt ?? undefined, issuedBy };
}

async function show(opening: Opening): Promise<Opened> {
  const { db, link, locked } = opening;
  const { facts, task, dependencyId, versionId, secretId } = locked;
  const dependency = facts.dependencies.find((one) => one.dependencyId === dependencyId);
  const changes = dependency === undefined ? [] : handedOver(facts, dependency, versionId).changes;
  await db.query('update rotor.task_links set opened_at = clock_timestamp() where id = $1', [
    link.id,
  ]);
  if (task?.fetchedAt === undefined)
    await db.query('update rotor.tasks set fetched_at = clock_timestamp() where id = $1', [
      locked.taskId,
    ]);
  await applyChanges(db, changes, facts);
  await note(opening, { change: 'link-opened' }, changes.filter(isAudited));
  return { kind: 'shown', versionId, secretId, by: link.issued_by };
}

/** Whoever opens it has no name: they have what that person made. */
async function note(
  { parts, db, link, locked, source }: Opening,
  opened: object,
  changes: readonly Change[] = [],
): Promise<void> {
  const { secretId, runId, taskId } = locked;
  const actor = `a link of ${link.issued_by}`;
  const events = [{ ...opened, taskId, linkId: link.id, from: source }, ...changes];
  await parts.audit.append(
    db,
    secretId,
    events.map((event) => ({ actor, runId, event })),
  );
}
