/** What the CLI prints: tables and lines for people, JSON for programs, errors with where, what and what to do. */
import Table from 'cli-table3';
import colors from 'picocolors';
import { RotorError } from '../../domain/errors.js';
import { readableLines } from '../../domain/readable.js';

export interface Output {
  readonly json: boolean;
  print(text: string): void;
  /** What goes beside the result, to people alone. */
  note(text: string): void;
  /** Prints the value as JSON where that was asked for, and else what `text` makes of it. */
  show<T>(value: T, text: (value: T) => string): void;
}

export function openOutput(json: boolean): Output {
  const print = (text: string): void => {
    process.stdout.write(`${readableLines(text)}\n`);
  };
  const printJson = (value: unknown): void => {
    process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
  };
  return {
    json,
    print,
    note: (text) => void (json || process.stderr.write(`${readableLines(text)}\n`)),
    show: (value, text) => (json ? printJson(value) : print(text(value))),
  };
}

/** Whoever reads may go away first, as `head` does; then the process ends as a shell's own would. */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error) => process.exit(afterLost(stream, error)));
}

const endedBySigpipe = 141;

function afterLost(stream: NodeJS.WriteStream, { code }: NodeJS.ErrnoException): number {
  if (code === 'EPIPE') return endedBySigpipe;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  const lost = new RotorError(
    full ? 'disk-full' : 'output-lost',
    `the output cannot be written${full ? ': the disk is full' : ''}`,
    { kind: 'failed', hint: 'what was asked for may have been done all the same: look, then ask' },
  );
  if (stream !== process.stderr) printError(lost, process.argv.includes('--json'));
  return exitCodeOf(lost);
}

export type Cells = readonly (string | number | null | undefined)[];

/** No frames: readable in 80 columns and in a pipe. */
export function table(head: readonly string[], rows: readonly Cells[]): string {
  if (rows.length === 0) return colors.dim('nothing');
  const made = new Table({
    head: head.map((cell) => colors.dim(cell)),
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: '  ',
    },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  for (const row of rows) made.push(row.map((cell) => String(cell ?? '')));
  return made.toString();
}

/** Names in a cell, as many on a line as fit: tables stay within a terminal. */
export function inLines(names: readonly string[], width = 36): string {
  const lines: string[] = [];
  for (const name of names) {
    const last = lines.at(-1);
    const longer = last === undefined ? name : `${last}, ${name}`;
    if (last === undefined || longer.length < width) lines[Math.max(0, lines.length - 1)] = longer;
    else lines.push(name);
  }
  return lines.join(',\n');
}

/** Seconds ago, or in how many. */
export function when(value: unknown, now = new Date()): string {
  if (value === null || value === undefined) return '';
  const at = new Date(String(value));
  const seconds = Math.round((now.getTime() - at.getTime()) / 1_000);
  const size = Math.abs(seconds);
  const text =
    size < 120
      ? `${size}s`
      : size < 7_200
        ? `${Math.round(size / 60)}m`
        : size < 172_800
          ? `${Math.round(size / 3_600)}h`
          : `${Math.round(size / 86_400)}d`;
  return seconds >= 0 ? `${text} ago` : `in ${text}`;
}

export function printError(error: RotorError, json: boolean): void {
  if (json) {
    const { code, message, hint, problems } = error;
    process.stderr.write(`${JSON.stringify({ error: { code, message, hint, problems } })}\n`);
    return;
  }
  const lines = [`${colors.red('error')} ${error.message} ${colors.dim(`(${error.code})`)}`];
  for (const { path, message, hint } of error.problems) {
    lines.push(
      `  ${colors.bold(path)}: ${message}${hint === undefined ? '' : colors.dim(` — ${hint}`)}`,
    );
  }
  if (error.hint !== undefined) lines.push(`  ${colors.dim('→')} ${error.hint}`);
  process.stderr.write(`${readableLines(lines.join('\n'))}\n`);
}

/** Exit codes that scripts can use. */
export const exitCodes = {
  fine: 0,
  failed: 1,
  invalid: 2,
  denied: 3,
  missing: 4,
  conflict: 5,
  unavailable: 6,
  blocked: 7,
  faulty: 8,
} as const;

export function exitCodeOf({ kind }: RotorError): number {
  return exitCodes[kind];
}
