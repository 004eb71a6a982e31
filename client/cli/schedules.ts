/** The commands about schedules: when secrets rotate, and what to change about it. */
import type { Command } from 'commander';
import colors from 'picocolors';
import { shortId } from '../../domain/told-id.js';
import { secretPath, type Act } from './context.js';
import { table, when } from './output.js';
import { example } from './example.js';

interface SlotView {
  readonly slot: string;
  readonly zone: string;
  readonly at: string;
  readonly local: string;
  readonly moves: readonly { readonly told: string }[];
  readonly skipped?: { readonly by: string; readonly reason: string };
}

interface ScheduleHead {
  readonly secret: string;
  readonly rule: string;
  readonly zone: string;
  readonly paused?: { readonly by: string; readonly reason: string };
  readonly pausedInTemporal?: string;
  readonly rotatedAt?: string;
  readonly overdue: boolean;
}

interface ListedSchedule extends ScheduleHead {
  readonly next?: SlotView;
}

interface ScheduleView extends ScheduleHead {
  readonly slots: readonly SlotView[];
  readonly past: readonly {
    readonly slot: string;
    readonly state: string;
    readonly reason: string;
    readonly runId?: string;
  }[];
}

export function addSchedules(program: Command, act: Act): void {
  const command = program.command('schedule').description('when secrets rotate by themselves');
  addReading(command, act);
  addChanges(command, act);
}

function addReading(command: Command, act: Act): void {
  example(command.command('list'), 'rotor schedule list')
    .description('schedules, with the next slot of each in local time')
    .action(
      act(async ({ api, output }) => {
        output.show(await api.get<ListedSchedule[]>('/v1/schedules'), listText);
      }),
    );
  example(command.command('next <secret>'), 'rotor schedule next acme/billing-api --count 3')
    .description('its next slots in local time, and why they were moved')
    .option('--count <number>', 'how many', '10')
    .action(
      act(async ({ api, output }, secret: string, { count }: { count: string }) => {
        const path = `${secretPath(secret)}/schedule?count=${encodeURIComponent(count)}`;
        output.show(await api.get<ScheduleView>(path), scheduleText);
      }),
    );
}

function addChanges(command: Command, act: Act): void {
  const changes = [
    ['pause', 'no slot of it starts until it is resumed', 'paused', 'an audit'],
    [
      'resume',
      'goes on, also where it was paused in Temporal; slots meanwhile are over',
      'resumed',
      'the audit is over',
    ],
  ] as const;
  for (const [change, description, done, why] of changes) {
    example(
      command.command(`${change} <secret>`),
      `rotor schedule ${change} acme/billing-api --reason "${why}"`,
    )
      .description(description)
      .requiredOption('--reason <text>', 'why')
      .action(
        act(async ({ api, output }, secret: string, { reason }: { reason: string }) => {
          const changed = await api.post(`${secretPath(secret)}/schedule/${change}`, { reason });
          output.show(changed, () => `the schedule of ${secret} is ${done}`);
        }),
      );
  }
  example(
    command.command('skip <secret>'),
    'rotor schedule skip acme/billing-api --reason "a release that day"',
  )
    .description('leaves one slot out: the next one, unless another is named')
    .option('--slot <slot>', 'as rotor schedule next prints it, such as 2026-12-01T10:00')
    .requiredOption('--reason <text>', 'why')
    .action(
      act(async ({ api, output }, secret: string, body: { slot?: string; reason: string }) => {
        const path = `${secretPath(secret)}/schedule/skip`;
        const skipped = await api.post<Pick<SlotView, 'slot' | 'zone'>>(path, body);
        output.show(skipped, ({ slot, zone }) => `slot ${slot} ${zone} is skipped`);
      }),
    );
}

function listText(schedules: readonly ListedSchedule[]): string {
  return table(
    ['secret', 'rule', 'next', 'zone', 'state'],
    schedules.map((one) => [
      one.secret,
      one.rule,
      one.next === undefined ? 'none' : shortLocal(one.next.local),
      one.zone,
      stateText(one),
    ]),
  );
}

function scheduleText(schedule: ScheduleView): string {
  const { secret, rule, zone, rotatedAt, slots, past } = schedule;
  const lines = [`${colors.bold(secret)}  ${rule}  ${colors.dim(zone)}`];
  lines.push(`rotated  ${rotatedAt === undefined ? 'never' : when(rotatedAt)}`);
  const state = stateText(schedule);
  if (state !== '') lines.push(`state    ${state}`);
  lines.push('', slotsText(slots));
  if (past.length > 0) lines.push('', pastText(past));
  return lines.join('\n');
}

function slotsText(slots: readonly SlotView[]): string {
  return table(
    ['slot', 'runs at', '', 'why'],
    slots.map((slot) => [
      slot.slot.replace('T', ' '),
      slot.skipped === undefined ? shortLocal(slot.local) : 'skipped',
      slot.skipped === undefined ? when(slot.at) : '',
      slot.skipped === undefined
        ? slot.moves.map(({ told }) => told).join('; ')
        : `${slot.skipped.by}: ${slot.skipped.reason}`,
    ]),
  );
}

function pastText(past: ScheduleView['past']): string {
  return table(
    ['before', 'state', 'run', 'why'],
    past.map(({ slot, state, runId, reason }) => [
      slot.replace('T', ' '),
      state,
      runId && shortId(runId),
      state === 'requested' ? '' : reason,
    ]),
  );
}

function shortLocal(local: string): string {
  return local.slice(0, 16).replace('T', ' ');
}

function stateText({ paused, pausedInTemporal, overdue }: ScheduleHead): string {
  const states = [
    ...(paused === undefined ? [] : [`paused by ${paused.by}: ${paused.reason}`]),
    ...(pausedInTemporal === undefined ? [] : [`paused in Temporal: ${pausedInTemporal}`]),
    ...(overdue ? [colors.red('overdue')] : []),
  ];
  return states.join(', ');
}
