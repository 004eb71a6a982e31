/** The queue of what is to be sent: claimed with a deadline, recorded as sent, tried again, or given up. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { ToldEvent } from '../../domain/told-event.js';
import { inTransaction, type Queryable } from '../postgres.js';
import { writeFinding } from './findings.js';
import { notificationFailed } from './news.js';

/** Sent again after a kill, it has the same id: whoever gets it twice can drop it. */
export interface QueuedMessage {
  readonly id: string;
  readonly isDigest: boolean;
  readonly events: readonly ToldEvent[];
  readonly attempts: number;
}

export interface Claim {
  readonly route: string;
  readonly claimant: string;
  /** Longer than any attempt takes. */
  readonly claimMs: number;
}

/** How many are sent at the same time by one worker and route. */
const mostAtOnce = 5;
const mostInDigest = 200;

const isFree = '(claimed_until is null or claimed_until < clock_timestamp())';
const isDue = `route = $1 and state = 'pending' and due_at <= clock_timestamp() and ${isFree}`;

const claiming = (which: string): string => `
with claimed as (
  update rotor.notifications set claimed_by = $2, attempts = attempts + 1,
    claimed_until = clock_timestamp() + make_interval(secs => $3)
  where ${which}
  returning event_id, digest_id, attempts)
select c.digest_id, c.attempts, e.id, e.kind, e.severity, e.code, e.organization, e.secret, e.owner,
  e.run_id as run, e.message, e.count::int as count, e.at
from claimed c join rotor.events e on e.id = c.event_id order by e.at, e.id`;

const claimSingles = claiming(`(event_id, route) in (
  select event_id, route from rotor.notifications where ${isDue} and not digested
  order by due_at limit ${mostAtOnce} for update skip locked)`);

/**
 * Whoever wants the same digest waits for its first row, and then finds it claimed. Its rows are locked in the order in
 * which those who close a digest lock them.
 */
const claimDigest = claiming(`(event_id, route) in (
  select event_id, route from rotor.notifications
  where route = $1 and state = 'pending' and ${isFree} and digest_id = (
    select digest_id from rotor.notifications where ${isDue} and digest_id is not null
    order by due_at, digest_id, event_id limit 1 for update)
  order by event_id for update)`);

/** Once the first of them is due, all that came meanwhile go with it. */
const closeDigest = `
update rotor.notifications set digest_id = $2, due_at = clock_timestamp()
where (event_id, route) in (
  select event_id, route from rotor.notifications
  where route = $1 and state = 'pending' and digested and digest_id is null
  order by event_id limit ${mostInDigest} for update)
  and exists (select from rotor.notifications where route = $1 and state = 'pending' and digested
    and digest_id is null and due_at <= clock_timestamp())
  and digest_id is null`;

type ClaimedRow = ToldEvent & { readonly digest_id: string | null; readonly attempts: number };

export async function claimMessages(
  db: Queryable,
  { route, claimant, claimMs }: Claim,
): Promise<QueuedMessage[]> {
  await db.query(closeDigest, [route, randomUUID()]);
  const values = [route, claimant, claimMs / 1_000];
  const { rows: digested } = await db.query<ClaimedRow>(claimDigest, values);
  const { rows: singles } = await db.query<ClaimedRow>(claimSingles, values);
  const messages = singles.map((row) => messageOf([row]));
  return digested.length > 0 ? [messageOf(digested), ...messages] : messages;
}

function messageOf(rows: readonly ClaimedRow[]): QueuedMessage {
  const events = rows.map(({ digest_id: _digest, attempts: _attempts, ...event }) => event);
  const digest = rows[0]?.digest_id ?? undefined;
  const id = digest ?? events[0]?.id ?? '';
  const attempts = Math.max(...rows.map((row) => row.attempts));
  return { id, isDigest: digest !== undefined, events, attempts };
}

interface Attempted {
  readonly route: string;
  readonly message: QueuedMessage;
}

/** What could not be delivered by this route before is no longer so. */
export async function recordSent(pool: pg.Pool, { route, message }: Attempted): Promise<void> {
  await inTransaction(pool, async (db) => {
    await db.query(
      `update rotor.notifications set state = 'sent', sent_at = clock_timestamp(), failure = null,
         claimed_until = null
       where route = $1 and event_id = any($2) and state <> 'sent'`,
      [route, idsOf(message)],
    );
    await db.query(
      `update rotor.findings set closed_at = clock_timestamp()
       where code = $1 and about = $2 and closed_at is null`,
      [notificationFailed, route],
    );
  });
}

/** 10 s, 20 s, 40 s and so on, an hour at most. */
function pauseSeconds(attempts: number): number {
  return Math.min(3_600, 10 * 2 ** Math.min(attempts - 1, 12));
}

interface GivenUp {
  readonly secret_id: string | null;
  readonly code: string;
  readonly message: string;
}

/** Tells whether it was given up: then it is a finding, of each secret whose events were lost. */
export async function recordFailure(
  pool: pg.Pool,
  { route, message, failure }: Attempted & { readonly failure: string },
): Promise<boolean> {
  return inTransaction(pool, async (db) => {
    const { rows } = await db.query<GivenUp & { given_up: boolean }>(
      `update rotor.notifications n set failure = $3, claimed_until = null,
         state = case when n.give_up_at <= clock_timestamp() then 'failed' else 'pending' end,
         due_at = clock_timestamp() + make_interval(secs => $4)
       from rotor.events e
       where e.id = n.event_id and n.route = $1 and n.event_id = any($2) and n.state = 'pending'
       returning n.state = 'failed' as given_up, e.secret_id, e.code, e.message`,
      [route, idsOf(message), failure, pauseSeconds(message.attempts)],
    );
    const lost = rows.filter(({ given_up }) => given_up);
    for (const one of lost) await tellLost(db, { route, failure, one });
    return lost.length > 0;
  });
}

/** That a route does not work is told by others; that this was not told either is not: it would go round for ever. */
async function tellLost(
  db: Queryable,
  { route, failure, one }: { route: string; failure: string; one: GivenUp },
): Promise<void> {
  if (one.secret_id === null || one.code === notificationFailed) return;
  const message = `the route ${route} has delivered nothing for a day (${failure}); not told: ${one.message}`;
  await writeFinding(db, one.secret_id, { code: notificationFailed, about: route, message });
}

function idsOf({ events }: QueuedMessage): string[] {
  return events.map(({ id }) => id);
}

/** Events are no record: the registry and its audit trail are. */
export async function forgetOldEvents(db: Queryable): Promise<void> {
  await db.query(
    `delete from rotor.events e where e.last_at < clock_timestamp() - interval '30 days'
       and not exists (select from rotor.notifications n where n.event_id = e.id and n.state = 'pending')`,
  );
}
