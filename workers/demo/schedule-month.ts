/** Up to a month of slots in less than a minute: each is due by the real clock, and is a real rotation under live use. */
import type { ApiClient } from '../../client/http.js';
import { runIn } from './cli.js';
import { dayLength, secondsNamed } from './clocks.js';
import type { ShownVersion } from './observer.js';
import { twice, type ScheduleClock } from './schedule-clock.js';
import type { ScheduleFigures } from './schedule-figures.js';
import { ended, runOf, say, until, type Running, type Stage } from './stage.js';

const secret = 'session-key';
const longestMs = 42_000;
const daysOfMonth = 30;

export type Month = Pick<
  ScheduleFigures,
  | 'secondsPerDay'
  | 'slotsExpected'
  | 'slotsClaimed'
  | 'slotsMissed'
  | 'slotsTwice'
  | 'slotsJoined'
  | 'rotationsAsked'
  | 'rotationsSucceeded'
  | 'versionsRevoked'
>;

/** How long one rotation takes here, asked for by a person; ms. */
export async function rotateOnce({ cli }: Stage, running: Running): Promise<number> {
  const asked = await cli.run(['rotate', `acme/${secret}`, '--reason', 'how long does it take?']);
  const runId = runIn(asked);
  await ended(running, runId);
  const run = await runOf(running, runId);
  return Date.parse(run.ended ?? '') - Date.parse(run.requested);
}

export async function playMonth(
  { cli }: Stage,
  { api }: Running,
  { clock, tookMs }: { readonly clock: ScheduleClock; readonly tookMs: number },
): Promise<Month> {
  const secondsPerDay = dayLength(tookMs);
  const days = Math.min(daysOfMonth, Math.floor(longestMs / 1_000 / secondsPerDay));
  say(
    `A rotation took ${tookMs} ms, so a day of ${secret} is ${secondsPerDay} s now: ${days} daily slots,\n  each started by its Temporal Schedule when the real clock reaches it.`,
  );
  const before = await revoked(api);
  const since = await clock.tickEvery(secret, secondsPerDay);
  await until(
    async () => ((await clock.slots(secret)).length >= days ? true : undefined),
    200,
    3 * longestMs,
  );
  await cli.run(['schedule', 'pause', `acme/${secret}`, '--reason', 'the month is over']);
  const runs = await until(async () => {
    const all = await clock.runs(secret);
    return all.every(({ ended_at: at }) => at !== null) ? all : undefined;
  });
  const slots = await clock.slots(secret);
  const last = slots.at(-1)?.slot ?? '';
  const claimed = slots.filter(({ state }) => state === 'requested');
  return {
    secondsPerDay,
    slotsExpected: secondsNamed(since, momentOf(last), secondsPerDay),
    slotsClaimed: claimed.length,
    slotsMissed: slots.filter(({ state }) => state === 'missed').length,
    slotsTwice: twice(runs),
    slotsJoined: claimed.filter(({ reason }) => reason.startsWith('joined')).length,
    rotationsAsked: runs.length,
    rotationsSucceeded: runs.filter(({ outcome }) => outcome === 'succeeded').length,
    versionsRevoked: (await revoked(api)) - before,
  };
}

/** In UTC, seconds only where there are some. */
function momentOf(slot: string): Date {
  return new Date(`${slot}Z`);
}

async function revoked(api: ApiClient): Promise<number> {
  const { versions } = await api.get<{ versions: ShownVersion[] }>(`/v1/secrets/acme/${secret}`);
  return versions.filter(({ state }) => state === 'revoked').length;
}
