/** Reloads or restarts a unit of systemd, by a fixed program. */
import { z } from 'zod';
import { AdapterError } from '../domain/errors.js';
import { runProgram } from './program.js';

export const Unit = z
  .string()
  .regex(/^[A-Za-z0-9][\w.@:\\-]{0,254}$/, 'expected the name of a unit');

export interface Telling {
  readonly systemctl: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** As systemctl says it (systemctl(1), exit status). */
const codes = { 4: 'not-permitted', 5: 'not-found' } as const;

export async function tellUnit(
  unit: string,
  action: 'reload' | 'restart',
  { systemctl, timeoutMs, signal }: Telling,
): Promise<void> {
  const { exitCode } = await runProgram({
    executable: systemctl,
    args: [action, '--no-ask-password', unit],
    environment: {},
    input: '',
    timeoutMs,
    signal,
  });
  if (exitCode === 0) return;
  const code = exitCode === 4 || exitCode === 5 ? codes[exitCode] : 'refused';
  throw new AdapterError(
    code,
    `systemctl ${action} ${unit} failed (exit code ${exitCode ?? 'none'})`,
  );
}
