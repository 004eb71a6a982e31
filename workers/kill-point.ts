/** Named points of the engine's effects, where tests kill the process: `ROTOR_KILL_AT` is the file that names one. */
import { existsSync, readFileSync, rmSync } from 'node:fs';

/** The file goes first: a process that is started again goes on. */
export function killPoint(
  environment: Readonly<Record<string, string | undefined>>,
): (point: string) => void {
  const file = environment['ROTOR_KILL_AT'];
  if (file === undefined) return () => undefined;
  return (point) => {
    if (!existsSync(file) || readFileSync(file, 'utf8') !== point) return;
    rmSync(file);
    process.kill(process.pid, 'SIGKILL');
  };
}
