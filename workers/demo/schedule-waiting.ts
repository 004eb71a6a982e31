/** A run that waits for another person and for its window; and a secret that may not rotate with it, a year behind. */
import type { ApiClient } from '../../client/http.js';
import { shortId } from '../../domain/told-id.js';
import { runIn } from './cli.js';
import { nextClockChange } from './clocks.js';
import { springs } from './schedule-cast.js';
import { twice, type ScheduleClock } from './schedule-clock.js';
import type { ScheduleFigures } from './schedule-figures.js';
import { ended, runOf, say, until, type Running, type Stage } from './stage.js';

export type Waited = Pick<
  ScheduleFigures,
  | 'slotsOfTheYear'
  | 'slotsOfTheYearTwice'
  | 'settledOnDaysOfClockChanges'
  | 'rotationsOfTheYear'
  | 'heldUpByNotWith'
  | 'waitedForApproval'
  | 'approvalRefusedToRequester'
  | 'approvalGivenByAnother'
  | 'waitedForWindow'
  | 'approvedRunSucceeded'
>;

const year = 370;

interface Waiting {
  readonly stage: Stage;
  readonly running: Running;
  readonly clock: ScheduleClock;
}

export async function playWaiting(waiting: Waiting): Promise<Waited> {
  const { stage, running, clock } = waiting;
  say('ledger rotates only with the approval of somebody else, and in its maintenance window.');
  const asked = await stage.cli.run(['rotate', 'acme/ledger', '--reason', 'the quarter is over']);
  const runId = runIn(asked);
  await untilWaits(running, runId, 'approval-needed');
  const aged = new Date(Date.now() - year * 86_400_000);
  const heldUp = await fallBehind(clock);
  const grace = stage.cli.as('grace', await tokenOf(running.api, 'grace'));
  const approved = await approve(waiting, { runId, grace });
  await untilWaits(running, runId, 'outside-window');
  const why = ['--reason', 'the quarter ends today'];
  await stage.cli.run(['decide', shortId(runId), 'ignore-window', ...why]);
  await untilWaits(running, runId, 'approval-needed');
  say('That is not what grace approved: she is asked again.');
  await grace.run(await approvalOf(running, runId));
  await ended(running, runId);
  const { outcome } = await runOf(running, runId);
  say('ledger has rotated: now archive does, once for the whole year.');
  return {
    ...(await settledYear(waiting, aged)),
    ...approved,
    heldUpByNotWith: heldUp,
    waitedForApproval: true,
    waitedForWindow: true,
    approvedRunSucceeded: outcome === 'succeeded',
  };
}

/** Throws where it never waits for that. */
async function untilWaits(running: Running, runId: string, code: string): Promise<void> {
  await until(async () => (await runOf(running, runId)).waitsCode === code || undefined);
}

async function fallBehind(clock: ScheduleClock): Promise<boolean> {
  say(
    `Meanwhile nobody could start archive for ${year} days (its schedule is aged in the database). It must not rotate\n  together with ledger: its newest slot waits.`,
  );
  await clock.age('archive', year);
  return until(async () => {
    const postponed = (await clock.slots('archive')).find(({ state }) => state === 'postponed');
    return postponed?.reason.includes('ledger');
  });
}

type Approved = Pick<Waited, 'approvalRefusedToRequester' | 'approvalGivenByAnother'>;

interface Asked {
  readonly runId: string;
  /** Somebody else, at a terminal of her own. */
  readonly grace: ReturnType<Stage['cli']['as']>;
}

async function approve({ stage, running }: Waiting, { runId, grace }: Asked): Promise<Approved> {
  const words = await approvalOf(running, runId);
  const own = await stage.cli.run(words);
  const others = await grace.run(words);
  return {
    approvalRefusedToRequester: own.code !== 0 && own.errors.includes('somebody else approves'),
    approvalGivenByAnother: others.code === 0,
  };
}

/** Of the plan as it is now. */
async function approvalOf(running: Running, runId: string): Promise<string[]> {
  const plan = (await runOf(running, runId)).hash ?? '';
  return ['approve', shortId(runId), '--plan', shortId(plan)];
}

/** Not by the command line: it prints the token. */
async function tokenOf(api: ApiClient, person: string): Promise<string> {
  const body = { name: person, person, role: 'approver', holder: 'person', validFor: '1h' };
  return (await api.post<{ token: string }>('/v1/tokens', body)).token;
}

type Year = Pick<
  Waited,
  'slotsOfTheYear' | 'slotsOfTheYearTwice' | 'settledOnDaysOfClockChanges' | 'rotationsOfTheYear'
>;

async function settledYear({ stage, clock }: Waiting, aged: Date): Promise<Year> {
  const runs = await until(async () => {
    const all = await clock.runs('archive');
    return all.length > 0 && all.every(({ ended_at: at }) => at !== null) ? all : undefined;
  });
  await stage.cli.run(['schedule', 'next', 'acme/archive', '--count', '3']);
  const slots = await clock.slots('archive');
  const on = (day: string): number => slots.filter(({ slot }) => slot.startsWith(day)).length;
  const days = (['forward', 'back'] as const).flatMap(
    (direction) => nextClockChange(springs, direction, aged)?.day ?? [],
  );
  return {
    slotsOfTheYear: slots.length,
    slotsOfTheYearTwice: twice(runs) + slots.length - new Set(slots.map((one) => one.slot)).size,
    settledOnDaysOfClockChanges: days.map(on),
    rotationsOfTheYear: runs.length,
  };
}
