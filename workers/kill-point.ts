/** Named points of the engine's effects, where tests kill the process: `ROTOR_KILL_AT=create:minted`. */
import { existsSync, writeFileSync } from 'node:fs';

/** Once per folder: a process that is started again goes on. */
export function killPoint(
  environment: Readonly<Record<string, string | undefined>>,
): (point: string) => void {
  const wanted = environment['ROTOR_KILL_AT'];
  const once = environment['ROTOR_KILL_ONCE'];
  if (wanted === undefined || once === undefined) return () => undefined;
  return (point) => {
    if (point !== wanted || existsSync(once)) return;
    writeFileSync(once, point);
    process.kill(process.pid, 'SIGKILL');
  };
}
