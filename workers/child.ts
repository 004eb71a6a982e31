/** What every process of rotor does: ends with the one that started it, ends when told, fails with a line. */
import { RotorError } from '../domain/errors.js';

/** A started process holds its standard input open to us; when that ends, also by kill -9, so do we. */
export function endWithParent(stop: () => void): void {
  if (process.env['ROTOR_CHILD'] !== '1') return;
  process.stdin.resume();
  process.stdin.on('end', stop);
  process.stdin.on('error', stop);
}

/** An interrupt at a terminal reaches everybody at once: whoever was started by another waits to be stopped in order. */
export function onSignals(stop: () => void): void {
  process.on('SIGINT', process.env['ROTOR_CHILD'] === '1' ? () => undefined : stop);
  process.on('SIGTERM', stop);
}

/** Runs a program to its end; an error is told in words. */
export async function runMain(main: () => Promise<void>): Promise<void> {
  try {
    await main();
    process.exit(process.exitCode ?? 0);
  } catch (error) {
    console.error(describe(error));
    process.exit(1);
  }
}

/** As people can use it. */
export function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join('\n');
  if (!(error instanceof RotorError))
    return error instanceof Error ? `${error.name}: ${error.message}` : 'failed';
  const problems = error.problems.map(
    ({ path, message, hint }) => `  ${path}: ${message}${hint === undefined ? '' : ` (${hint})`}`,
  );
  const hint = error.hint === undefined ? [] : [`  → ${error.hint}`];
  return [`${error.message} (${error.code})`, ...problems, ...hint].join('\n');
}
