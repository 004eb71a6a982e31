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

/** What passes at a moment (a quiet period, a window, an overlap) is none of it, unless it was put off. */
export function isBlocked({ waitsCode, waitsUntil, waitsHeld }: Row): boolean {
  return !passing.has(waitsCode) && (waitsUntil === null || waitsHeld === true);
}

/**
 * Of one run, asked each time it is looked at. One that was put off before anybody watched has until the moment that
 * it waits for now: whoever watches may just have helped.
 */
export function openBlocked(): (run: Row) => boolean {
  let first: number | undefined;
  return (run) => {
    const { waitsUntil } = run;
    if (typeof waitsUntil !== 'string') return isBlocked(run);
    const until = Date.parse(waitsUntil);
    first ??= until;
    return isBlocked(run) && until > first;
  };
}

type Command = (run: string) => string;

const commands: Readonly<Record<string, Command | undefined>> = {
  paused: (run) => `rotor resume ${run} --reason TEXT`,
  recovering: () => 'rotor recover --dry-run',
  'task-overdue': () => 'rotor tasks list',
};

/** What trying again does not mend: the runbook says what does. */
const notMended: ReadonlySet<string> = new Set(['no-way-back', 'successor-not-proven']);

/** Undefined where the message itself names a command, or none helps. */
export function nextCommand(run: Row): string | undefined {
  const code = String(run['waitsCode']);
  if (notMended.has(code) || /: rotor [a-z]/.test(String(run['waitsTold']))) return undefined;
  if (code === 'recovering' && run['kind'] === 'compromise') return leakMeanwhile(run);
  const command = commands[code] ?? retry;
  return command(shortId(run['run']));
}

/** Containing waits for nobody: the issuer is there, and recovering records afterwards what is gone. */
function leakMeanwhile({ organization, secret }: Row): string {
  const contain = `rotor contain ${String(organization)}/${String(secret)} --direct --reason TEXT`;
  return `${contain}; then rotor recover --dry-run`;
}

function retry(run: string): string {
  return `once that is mended: rotor decide ${run} retry --reason TEXT`;
}
