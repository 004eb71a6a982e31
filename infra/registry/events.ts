/** Events are written in the transaction that makes them true, with the routes that take them; without a route, nothing is. */
import { takes, waitMs, type EventDraft, type RouteRule } from '../../domain/event.js';
import type { Queryable } from '../postgres.js';

/** The same within this time is the same event. */
const samenessSeconds = 3_600;

/** Undelivered for so long, a notification is given up. */
const patienceSeconds = 86_400;

const insertEvent = `
with again as (
  update rotor.events set count = count + 1, last_at = clock_timestamp()
  where id = (select id from rotor.events where sameness = $10
    and at > clock_timestamp() - interval '${samenessSeconds} s' order by at desc limit 1)
  returning 1),
fresh as (
  insert into rotor.events (kind, severity, code, message, run_id, secret_id, organization, secret,
    owner, sameness)
  select $1, $2, $3, $4, $5::uuid, $6::uuid, $7, $8, $9, $10 where not exists (select from again)
  returning id)
insert into rotor.notifications (event_id, route, digested, due_at, give_up_at)
select f.id, r.route, r.wait_s is not null,
  clock_timestamp() + make_interval(secs => coalesce(r.wait_s, 0)),
  clock_timestamp() + make_interval(secs => coalesce(r.wait_s, 0) + r.patience_s)
from fresh f, jsonb_to_recordset($11::jsonb) r(route text, wait_s float8, patience_s float8)
returning event_id as id`;

/** Whoever calls holds a lock that the same event would need too: it is written once. */
export async function writeEvents(
  db: Queryable,
  routes: readonly RouteRule[],
  drafts: readonly EventDraft[],
): Promise<void> {
  const written = drafts.map(async (draft) => {
    const taking = routes.filter((route) => takes(route, draft));
    const rows = taking.map((route) => {
      const wait = waitMs(route, draft);
      return {
        route: route.name,
        wait_s: wait === undefined ? null : wait / 1_000,
        patience_s: patienceSeconds,
      };
    });
    if (rows.length > 0) await writeEvent(db, draft, rows);
  });
  await Promise.all(written);
}

/** Tried once, so that whoever asked is answered soon. */
export async function writeTestEvent(db: Queryable, route: string, by: string): Promise<string> {
  const draft: EventDraft = {
    kind: 'test',
    severity: 'info',
    code: 'test',
    message: `${by} tries out the route ${route}: nothing is to be done`,
    runId: undefined,
    sameness: `test ${route} ${String(Date.now())}`,
    subject: undefined,
  };
  const id = await writeEvent(db, draft, [{ route, wait_s: null, patience_s: 0 }]);
  if (id === undefined) throw new Error('no row');
  return id;
}

async function writeEvent(
  db: Queryable,
  draft: EventDraft,
  routes: readonly object[],
): Promise<string | undefined> {
  const { kind, severity, code, message, runId, subject, sameness } = draft;
  const name = subject === undefined ? null : `${subject.organization}/${subject.name}`;
  const of = [subject?.secretId ?? null, subject?.organization ?? null, name];
  const { rows } = await db.query<{ id: string }>({
    name: 'insert-event',
    text: insertEvent,
    values: [
      ...[kind, severity, code, message, runId ?? null, ...of, subject?.owner ?? null, sameness],
      JSON.stringify(routes),
    ],
  });
  return rows[0]?.id;
}
