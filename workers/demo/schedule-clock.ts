/** What stands for a clock that runs quickly: the schedule's rows in the demo's own database, changed as its owner. */
import { Client, Connection } from '@temporalio/client';
import { startDue } from '../../client/schedules.js';
import { ask } from './observer.js';
import { until, type Running } from './stage.js';

export interface SlotRow {
  readonly slot: string;
  readonly state: string;
  readonly reason: string;
  readonly run_id: string | null;
}

export interface RunRow {
  readonly id: string;
  readonly reason: string;
  readonly outcome: string | null;
  readonly requested_at: Date;
  readonly ended_at: Date | null;
}

export interface ScheduleClock {
  /** From now on a slot comes with each second of the minute that `every` divides. */
  tickEvery(secret: string, every: number): Promise<Date>;
  /** As if its schedule counted for so long already. */
  age(secret: string, days: number): Promise<void>;
  slots(secret: string): Promise<SlotRow[]>;
  runs(secret: string): Promise<RunRow[]>;
}

const named = `select id from rotor.secrets where name = $1`;
const ticking = `update rotor.secrets set schedule = jsonb_set(schedule, '{rule}', $2) where name = $1`;
const counting = `select since, schedule->'rule'->>'said' as said from rotor.schedules
  where secret_id = (${named})`;
const aging = `update rotor.schedules set since = since - make_interval(days => $2)
  where secret_id = (${named})`;
const slotsOf = `select slot, state, reason, run_id from rotor.schedule_slots
  where secret_id = (${named}) order by slot`;
const runsOf = `select id, reason, outcome, requested_at, ended_at from rotor.runs
  where secret_id = (${named}) and requested_by = 'schedule' order by requested_at`;

export function openClock({ stack }: Running): ScheduleClock {
  const rows = <R extends object>(text: string, ...values: unknown[]): Promise<R[]> =>
    ask(stack.databaseOwnerUrl, text, values);
  /** The worker compares the registry with Temporal every minute; the demo does not wait for that. */
  const look = async (secret: string): Promise<void> => {
    const [{ id = '' } = {}] = await rows<{ id: string }>(named, secret);
    const connection = await Connection.connect({ address: stack.temporalAddress });
    await startDue({ client: new Client({ connection }), taskQueue: '' }, id);
    await connection.close();
  };
  return {
    tickEvery: async (secret, every) => {
      const said = `every ${every} s`;
      const rule = JSON.stringify({ kind: 'calendar', cron: `*/${every} * * * * *`, said });
      await rows(ticking, secret, rule);
      await look(secret);
      return until(async () => {
        const [found] = await rows<{ since: Date; said: string }>(counting, secret);
        return found?.said === said ? found.since : undefined;
      });
    },
    age: async (secret, days) => {
      await rows(aging, secret, days);
      await look(secret);
    },
    slots: (secret) => rows(slotsOf, secret),
    runs: (secret) => rows(runsOf, secret),
  };
}

/** Slots that more than one run was asked for. */
export function twice(runs: readonly Pick<RunRow, 'reason'>[]): number {
  const reasons = runs.map(({ reason }) => reason);
  return reasons.length - new Set(reasons).size;
}
