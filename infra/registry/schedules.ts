/** Which schedule counts for a secret, and all that is known of it: read for one secret, or for every one. */
import type { KnownSlot, Schedule, ScheduleFacts } from '../../domain/schedule.js';
import type { Queryable } from '../postgres.js';

/** A secret with what is known of its schedule. */
export interface ScheduledSecret extends Omit<ScheduleFacts, 'schedule'> {
  readonly organization: string;
  readonly secret: string;
  readonly owner: string;
  readonly issuer: string;
  /** Undefined: it has none, or none any more. */
  readonly schedule: Schedule | undefined;
  /** A finding says that it is overdue. */
  readonly toldOverdue: boolean;
}

export type WithSchedule = ScheduledSecret & ScheduleFacts;

export function hasSchedule(secret: ScheduledSecret): secret is WithSchedule {
  return secret.schedule !== undefined;
}

/**
 * Takes over what was declared since: a secret's own schedule, else its policy's. One that changed counts
 * from now on; one that did not stays as it is. Whose it is that changed.
 */
export async function refreshSchedules(db: Queryable, secretId?: string): Promise<string[]> {
  const { rows } = await db.query<{ secret_id: string }>(
    `with effective as (
       select s.id, case when s.retired_at is null
         then coalesce(s.schedule, p.policy->'schedule') end as schedule
       from rotor.secrets s left join rotor.policies p on p.id = s.policy_id
       where $1::uuid is null or s.id = $1)
     insert into rotor.schedules as c (secret_id, schedule)
     select e.id, e.schedule from effective e left join rotor.schedules k on k.secret_id = e.id
     where k.schedule is distinct from e.schedule order by e.id
     on conflict (secret_id) do update set schedule = excluded.schedule, since = clock_timestamp()
       where c.schedule is distinct from excluded.schedule
     returning secret_id`,
    [secretId ?? null],
  );
  return rows.map(({ secret_id: id }) => id);
}

interface Row {
  readonly secret_id: string;
  readonly organization: string;
  readonly secret: string;
  readonly owner: string;
  readonly issuer: string;
  readonly now: Date;
  readonly schedule: Schedule | null;
  readonly since: Date;
  readonly paused_by: string | null;
  readonly paused_reason: string | null;
  readonly paused_in_temporal: string | null;
  readonly rotated_at: Date | null;
  readonly expires_at: Date | null;
  readonly minted_at: Date | null;
  readonly settled_long_ago: Date | null;
  readonly told_overdue: boolean;
  readonly known: readonly SlotRow[];
}

type SlotRow = Omit<KnownSlot, 'at' | 'runId'> & {
  readonly at: string;
  readonly runId: string | null;
};

const slotColumns = `json_build_object('slot', l.slot, 'zone', l.zone, 'state', l.state, 'at', l.at,
  'reason', l.reason, 'by', l.decided_by, 'runId', l.run_id)`;

/**
 * The last confirmed rotation. A version of a run that turned back is none; one that was confirmed again by such a
 * run counts from when it was made, and an adopted one from when rotor came to know it.
 */
const rotatedAt = `
  select max(case when v.origin = 'adopted' or v.confirmed_at > r.ended_at and r.outcome = 'succeeded'
    then v.activated_at else v.confirmed_at end)
  from rotor.versions v left join rotor.runs r on r.id = v.run_id
  where v.secret_id = s.id and v.confirmed_at is not null
    and r.plan->>'direction' is distinct from 'back'`;

/** Of the newest slot that is over for so long; none where the run that it was the first of has confirmed a version. */
const settledLongAgo = `
  select l.at from (
    select * from rotor.schedule_slots l where l.secret_id = s.id and l.state in ('requested', 'missed')
      and l.at <= clock_timestamp() - (c.schedule->>'overdueAfterMs')::float8 * interval '1 millisecond'
    order by l.at desc limit 1) l
  where exists (select from rotor.schedule_slots e where e.run_id = l.run_id and e.at < l.at)
    or not exists (select from rotor.runs r join rotor.versions v on v.id = (r.plan->>'towards')::uuid
      where r.id = l.run_id and v.confirmed_at >= r.requested_at
        and r.plan->>'direction' is distinct from 'back')`;

/** The newest slot that is settled says where the rest begins; what comes later was skipped or postponed. */
const known = `
  select coalesce(json_agg(${slotColumns} order by l.slot desc), '[]') from rotor.schedule_slots l
  where l.secret_id = s.id and l.zone = c.schedule->>'zone' and l.slot >= coalesce((
    select n.slot from rotor.schedule_slots n where n.secret_id = s.id and n.zone = c.schedule->>'zone'
      and n.state in ('requested', 'missed') order by n.slot desc limit 1), '')`;

const scheduled = `
  select c.secret_id, o.name as organization, s.name as secret, s.owner, s.issuer,
    clock_timestamp() as now, c.schedule, c.since, c.paused_by, c.paused_reason, c.paused_in_temporal,
    (${rotatedAt}) as rotated_at,
    (select v.expires_at from rotor.versions v where v.secret_id = s.id and v.is_current) as expires_at,
    (select v.activated_at from rotor.versions v
      where v.secret_id = s.id and v.is_current and v.origin = 'minted') as minted_at,
    (${settledLongAgo}) as settled_long_ago,
    exists (select from rotor.findings f where f.secret_id = s.id
      and f.code = 'rotation-overdue' and f.closed_at is null) as told_overdue,
    (${known}) as known
  from rotor.schedules c join rotor.secrets s on s.id = c.secret_id
  join rotor.organizations o on o.id = s.organization_id`;

export async function scheduledSecret(
  db: Queryable,
  secretId: string,
): Promise<ScheduledSecret | undefined> {
  const { rows } = await db.query<Row>(`${scheduled} where c.secret_id = $1`, [secretId]);
  return rows[0] === undefined ? undefined : secretOf(rows[0]);
}

/** Those that had a schedule once are among them: what Temporal still holds of it has to go. */
export async function scheduledSecrets(
  db: Queryable,
  organization?: string,
): Promise<ScheduledSecret[]> {
  const { rows } = await db.query<Row>(
    `${scheduled} where $1::text is null or o.name = $1 order by o.name, s.name`,
    [organization ?? null],
  );
  return rows.map(secretOf);
}

export async function notePauseInTemporal(
  db: Queryable,
  secretId: string,
  note: string | undefined,
): Promise<void> {
  await db.query('update rotor.schedules set paused_in_temporal = $2 where secret_id = $1', [
    secretId,
    note ?? null,
  ]);
}

function secretOf(row: Row): ScheduledSecret {
  return {
    secretId: row.secret_id,
    organization: row.organization,
    secret: row.secret,
    owner: row.owner,
    issuer: row.issuer,
    now: row.now,
    schedule: row.schedule ?? undefined,
    since: row.since,
    paused:
      row.paused_by === null ? undefined : { by: row.paused_by, reason: row.paused_reason ?? '' },
    pausedInTemporal: row.paused_in_temporal ?? undefined,
    rotatedAt: row.rotated_at ?? undefined,
    expiresAt: row.expires_at ?? undefined,
    mintedAt: row.minted_at ?? undefined,
    settledLongAgo: row.settled_long_ago ?? undefined,
    toldOverdue: row.told_overdue,
    known: row.known.map(slotOf),
  };
}

function slotOf({ at, runId, ...slot }: SlotRow): KnownSlot {
  return { ...slot, at: new Date(at), runId: runId ?? undefined };
}

/** What became of the last ones, the newest first. */
export async function settledSlots(
  db: Queryable,
  { secretId, schedule: { zone } }: WithSchedule,
  count: number,
): Promise<KnownSlot[]> {
  const { rows } = await db.query<{ slot: SlotRow }>(
    `select ${slotColumns} as slot from rotor.schedule_slots l
     where l.secret_id = $1 and l.zone = $2 and l.state in ('requested', 'missed')
     order by l.slot desc limit $3`,
    [secretId, zone, count],
  );
  return rows.map(({ slot }) => slotOf(slot));
}
