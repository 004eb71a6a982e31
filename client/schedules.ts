/** The Temporal Schedule of a secret: it holds the next slot only, in UTC, so that operations see and pause it there. */
import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type ScheduleDescription,
  type ScheduleSummary,
} from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { aboutSecret } from '../domain/run.js';
import { scheduleId, type ScheduledRunInput } from '../domain/schedule.js';
import type { Temporal } from './workflows.js';

/** What Temporal should hold for a secret. */
export interface WantedSchedule {
  readonly secretId: string;
  readonly organization: string;
  readonly secret: string;
  readonly owner: string;
  /** When the next slot runs; undefined: there is none, and then nothing is held. */
  readonly at: Date | undefined;
  /** Paused through rotor: why. */
  readonly paused: string | undefined;
  /** The note of a pause that was seen in Temporal: kept where a schedule has to be made again. */
  readonly pausedThere: string | undefined;
  /** What Temporal's UI says of it: the slot in local time, and why it was moved. */
  readonly note: string;
}

/** What Temporal does hold, as far as rotor cares. */
export interface HeldSchedule {
  readonly secretId: string;
  readonly at: Date | undefined;
  readonly paused: boolean;
  readonly note: string;
}

const workflowType = 'scheduledRun';

/** Notes that begin like this are ours: a pause with another note is somebody's in Temporal. */
const ourPause = 'paused through rotor: ';
const notOurs = 'paused in Temporal';

/** Written anew, whatever was there. A pause that was made in Temporal stays, and its note is the answer. */
export async function writeSchedule(
  temporal: Temporal,
  wanted: WantedSchedule,
  options: { readonly resume?: boolean } = {},
): Promise<string | undefined> {
  if (wanted.at === undefined) {
    await removeSchedule(temporal, wanted.secretId);
    return undefined;
  }
  const pausedThere = await updateOrCreate(temporal, wanted, options.resume ?? false);
  const isPaused = wanted.paused !== undefined || pausedThere !== undefined;
  if (!isPaused && isPast(wanted.at)) await startDue(temporal, wanted.secretId);
  return pausedThere;
}

async function updateOrCreate(
  temporal: Temporal,
  wanted: WantedSchedule,
  resume: boolean,
): Promise<string | undefined> {
  let pausedThere: string | undefined;
  try {
    await handleOf(temporal, wanted.secretId).update((previous) => {
      pausedThere = resume ? undefined : pauseIn(previous.state);
      return { ...contentOf(temporal, wanted), state: stateOf(wanted, pausedThere) };
    });
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    pausedThere = resume ? undefined : wanted.pausedThere;
    await create(temporal, wanted, pausedThere);
  }
  return pausedThere;
}

async function create(
  temporal: Temporal,
  wanted: WantedSchedule,
  pausedThere: string | undefined,
): Promise<void> {
  try {
    await temporal.client.schedule.create({
      ...contentOf(temporal, wanted),
      scheduleId: scheduleId(wanted.secretId),
      memo: { queue: temporal.taskQueue },
      state: stateOf(wanted, pausedThere),
    });
  } catch (error) {
    // Somebody else was as quick, with what was wanted a moment ago: comparing finds what differs.
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}

function handleOf({ client }: Temporal, secretId: string) {
  return client.schedule.getHandle(scheduleId(secretId));
}

/** Its only calendar is one second. */
function contentOf({ taskQueue }: Temporal, wanted: WantedSchedule) {
  const { organization, secret, secretId } = wanted;
  const input: ScheduledRunInput = { secretId };
  return {
    spec: { calendars: [secondOf(wanted.at ?? new Date(0))] },
    action: {
      type: 'startWorkflow' as const,
      workflowType,
      workflowId: `scheduled/${secretId}`,
      taskQueue,
      args: [input],
      staticSummary: `${organization}/${secret}: ${wanted.note}`.slice(0, 200),
      typedSearchAttributes: attributesOf(wanted),
    },
    policies: {
      overlap: ScheduleOverlapPolicy.SKIP,
      // Whether it is too late is for rotor to say.
      catchupWindow: '365 days',
      pauseOnFailure: false,
    },
    typedSearchAttributes: attributesOf(wanted),
  };
}

function attributesOf(wanted: WantedSchedule) {
  return aboutSecret(wanted).map(([name, value]) => ({
    key: defineSearchAttributeKey(name, 'KEYWORD'),
    value,
  }));
}

function secondOf(at: Date) {
  const second = wholeSecond(at);
  return {
    year: second.getUTCFullYear(),
    month: months[second.getUTCMonth()] ?? 'JANUARY',
    dayOfMonth: second.getUTCDate(),
    hour: second.getUTCHours(),
    minute: second.getUTCMinutes(),
    second: second.getUTCSeconds(),
  } as const;
}

const months = [
  'JANUARY',
  'FEBRUARY',
  'MARCH',
  'APRIL',
  'MAY',
  'JUNE',
  'JULY',
  'AUGUST',
  'SEPTEMBER',
  'OCTOBER',
  'NOVEMBER',
  'DECEMBER',
] as const;

/** Never before the slot: Temporal's calendars know no parts of seconds. */
export function wholeSecond(at: Date): Date {
  return new Date(Math.ceil(at.getTime() / 1_000) * 1_000);
}

function stateOf({ paused, note }: WantedSchedule, pausedThere: string | undefined) {
  if (paused !== undefined) return { paused: true, note: `${ourPause}${paused}` };
  if (pausedThere !== undefined) return { paused: true, note: pausedThere };
  return { paused: false, note };
}

/** The note of a pause that was not made through rotor. */
export function pauseIn({
  paused,
  note,
}: {
  readonly paused: boolean;
  readonly note?: string | undefined;
}): string | undefined {
  if (!paused || note?.startsWith(ourPause) === true) return undefined;
  return note === undefined || note === '' ? notOurs : note;
}

function isPast(at: Date): boolean {
  return wholeSecond(at).getTime() <= Date.now();
}

/** For a slot whose second is over: after the start that is under way, and once however often it is said. */
export async function startDue(temporal: Temporal, secretId: string): Promise<void> {
  await handleOf(temporal, secretId).trigger(ScheduleOverlapPolicy.BUFFER_ONE);
}

export async function removeSchedule(temporal: Temporal, secretId: string): Promise<void> {
  try {
    await handleOf(temporal, secretId).delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}

/** As Temporal holds it at this moment; undefined where it holds none. */
export async function heldSchedule(
  temporal: Temporal,
  secretId: string,
): Promise<HeldSchedule | undefined> {
  try {
    return heldOf(await handleOf(temporal, secretId).describe());
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}

/** Every schedule of this installation, as Temporal's list shows it: a moment old. */
export async function* heldSchedules({
  client,
  taskQueue,
}: Temporal): AsyncGenerator<HeldSchedule> {
  for await (const found of client.schedule.list()) {
    const isOurs = found.scheduleId.startsWith(scheduleId(''));
    if (isOurs && found.memo?.['queue'] === taskQueue) yield heldOf(found);
  }
}

function heldOf({
  scheduleId: id,
  spec,
  state,
}: ScheduleDescription | ScheduleSummary): HeldSchedule {
  return {
    secretId: id.slice(scheduleId('').length),
    at: momentOf(spec),
    paused: state.paused,
    note: state.note ?? '',
  };
}

/** Undefined where it holds anything but one second: somebody changed it. */
function momentOf(spec: ScheduleDescription['spec'] | ScheduleSummary['spec']): Date | undefined {
  const { calendars = [], intervals = [] } = spec ?? {};
  const [calendar] = calendars;
  if (calendar === undefined || calendars.length + intervals.length > 1) return undefined;
  const month = onlyOf(calendar.month);
  const numbers = [
    onlyOf(calendar.year),
    month === undefined ? undefined : months.indexOf(month),
    ...[calendar.dayOfMonth, calendar.hour, calendar.minute, calendar.second].map(onlyOf),
  ].filter((number) => number !== undefined);
  const [year = 0, monthIndex = 0, ...rest] = numbers;
  return numbers.length === 6 ? new Date(Date.UTC(year, monthIndex, ...rest)) : undefined;
}

function onlyOf<T>(ranges: readonly { readonly start: T; readonly end: T }[]): T | undefined {
  const [only, ...others] = ranges;
  return others.length === 0 && only?.start === only?.end ? only?.start : undefined;
}
