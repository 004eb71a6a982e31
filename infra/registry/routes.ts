/** How routes fare: what waits, what failed, what was delivered; and the outcome of a test. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Queryable } from '../postgres.js';
import { writeTestEvent } from './events.js';

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
