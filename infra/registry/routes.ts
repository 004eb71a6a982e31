/** How routes fare: what waits, what failed, what was delivered; and the outcome of a test. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Queryable } from '../postgres.js';
import { writeTestEvent } from './events.js';
import { notificationFailed } from './news.js';

export interface RouteState {
  readonly route: string;
  readonly pending: number;
  /** Given up within the last month. */
  readonly failed: number;
  /** Why the newest that is not delivered is not. */
  readonly failure: string | null;
  readonly sent: Date | null;
}

export async function routeStates(db: Queryable, routes: readonly string[]): Promise<RouteState[]> {
  const { rows } = await db.query<RouteState>(
    `select r.route, count(*) filter (where n.state = 'pending')::int as pending,
       count(*) filter (where n.state = 'failed')::int as failed, max(n.sent_at) as sent,
       (select f.failure from rotor.notifications f where f.route = r.route and f.failure is not null
          and f.state = 'pending' order by f.created_at desc limit 1) as failure
     from unnest($1::text[]) with ordinality r(route, place)
     left join rotor.notifications n on n.route = r.route
     group by r.route, r.place order by r.place`,
    [routes],
  );
  return rows;
}

const namedNoMore = 'rotor.yaml names this route no more';

/** Those that events were left undelivered for in the last month, and that are none of these. */
export async function formerRoutes(
  db: Queryable,
  routes: readonly string[],
): Promise<RouteState[]> {
  const { rows } = await db.query<{ route: string }>(
    `select distinct route from rotor.notifications
     where state <> 'sent' and route <> all ($1) order by route`,
    [routes],
  );
  const states = await routeStates(
    db,
    rows.map(({ route }) => route),
  );
  return states.map((state) => ({ ...state, failure: namedNoMore }));
}

/**
 * Gives up what waits for other routes than these. Whoever has such a route in its configuration would have tried:
 * what is only just due is left to them.
 */
export async function giveUpFormer(
  db: Queryable,
  routes: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await db.query<{ route: string }>(
    `update rotor.notifications set state = 'failed', failure = $2, claimed_until = null
     where state = 'pending' and route <> all ($1)
       and greatest(due_at, claimed_until) < clock_timestamp() - interval '10 minutes'
     returning route`,
    [routes, namedNoMore],
  );
  // Nothing will be delivered there that could close it.
  await db.query(
    `update rotor.findings set closed_at = clock_timestamp()
     where code = $2 and about <> all ($1) and closed_at is null`,
    [routes, notificationFailed],
  );
  const counts = new Map<string, number>();
  for (const { route } of rows) counts.set(route, (counts.get(route) ?? 0) + 1);
  return counts;
}

export interface RouteTested {
  readonly route: string;
  /** `pending`: no worker has sent it yet. */
  readonly state: 'sent' | 'failed' | 'pending';
  readonly failure: string | null;
}

const lookEveryMs = 200;

/** By a worker, as everything else is sent. */
export async function testRoute(
  db: Queryable,
  { route, by, withinMs }: { route: string; by: string; withinMs: number },
): Promise<RouteTested> {
  const eventId = await writeTestEvent(db, route, by);
  const stop = Date.now() + withinMs;
  for (;;) {
    const { rows } = await db.query<RouteTested>(
      'select route, state, failure from rotor.notifications where event_id = $1',
      [eventId],
    );
    const [tested] = rows;
    if (tested === undefined) throw new Error('no row');
    if (tested.state !== 'pending' || Date.now() > stop) return tested;
    await pause(lookEveryMs);
  }
}
