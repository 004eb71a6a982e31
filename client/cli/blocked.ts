/** When a run goes on only once a person has helped, and what they type then. */
import { shortId } from '../../domain/told-id.js';
import type { Output } from './output.js';
import type { Row } from './row.js';
import type { Pace } from './until-ended.js';

/** For the help of every command that follows what it has asked for. */
export const untilSomebodyHelps = 'in a script, exit code 7 once only a person can help';

export interface Following {
  readonly untilBlocked?: boolean;
  /** How long a worker may be silent. */
  readonly pace?: Pace;
}

/** Nobody reads along who could help: whoever asked has to be told, and not to wait for ever. */
export function asAsked({ json }: Output): Following {
  return { untilBlocked: json || !process.stdout.isTTY };
}

/** Codes of what passes without anybody's help. */
const passing: ReadonlySet<unknown> = new Set([null, undefined, 'waiting', 'retrying']);

/** What passes at a moment (a quiet period, a window, an overlap) is none of it. */
export function isBlocked({ waitsCode, waitsUntil }: Row): boolean {
  return !passing.has(waitsCode) && waitsUntil === null;
}

/** Held until a moment, if those who use it stop: the moment comes again as long as they do not. */
const usedStill: ReadonlySet<unknown> = new Set([
  'undeclared-use',
  'version-in-use',
  'breaks-dependents',
  'dependents-not-moved',
]);

/** Past the moment a run may look once more before it says so. */
const graceMs = 10_000;

/** Of one run, asked each time it is looked at: blocked, or the moment it was to go on has passed and it was put off. */
export function openBlocked(now: () => number = Date.now): (run: Row) => boolean {
  let promised: number | undefined;
  return (run) => {
    if (isBlocked(run)) return true;
    const until = Date.parse(String(run['waitsUntil']));
    promised = usedStill.has(run['waitsCode']) ? (promised ?? until) : undefined;
    return promised !== undefined && until > promised && now() > promised + graceMs;
  };
}

type Command = (run: string) => string;

const commands: Readonly<Record<string, Command | undefined>> = {
  paused: (run) => `rotor resume ${run} --reason TEXT`,
  recovering: () => 'rotor recover --dry-run',
  'task-overdue': () => 'rotor tasks list',
  'task-declined': () => 'rotor tasks list',
};

/** What trying again does not mend: the runbook says what does. */
const notMended: ReadonlySet<string> = new Set(['no-way-back', 'successor-not-proven']);

/** Undefined where the message itself names a command, or none helps. */
export function nextCommand(run: Row): string | undefined {
  const code = String(run['waitsCode']);
  if (notMended.has(code) || /: rotor [a-z]/.test(String(run['waitsTold']))) return undefined;
  const command = commands[code] ?? retry;
  return command(shortId(run['run']));
}

function retry(run: string): string {
  return `once that is mended: rotor decide ${run} retry --reason TEXT`;
}
