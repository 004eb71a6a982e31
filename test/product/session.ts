/** Many commands of rotor in one process, without standard input. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { packageRoot } from '../../infra/package-root.js';
import type { Installation } from '../faults/installation.js';
import type { Said } from './rotor.js';
import type { SessionCommand } from './session-process.js';

export interface Session {
  rotor(args: readonly string[], env?: SessionCommand['env']): Promise<Said>;
  close(): void;
}

/** Files that commands name lie in the installation's folder. */
export function openSession({ folder }: Pick<Installation, 'folder'>): Session {
  const { FORCE_COLOR: _colour, ...environment } = process.env;
  const child = fork(join(packageRoot(), 'dist', 'test', 'product', 'session-process.js'), {
    cwd: folder,
    env: { ...environment, NO_COLOR: '1', ROTOR_STATE: folder },
    execArgv: ['--enable-source-maps'],
  });
  const gone = once(child, 'exit').then(() => {
    throw new Error('the process of the commands has ended');
  });
  gone.catch(() => undefined);
  return {
    async rotor(args, env = {}) {
      const answer = once(child, 'message');
      child.send({ args, env } satisfies SessionCommand);
      const [said] = (await Promise.race([answer, gone, tooLate(args)])) as [Said];
      return said;
    },
    close: () => child.disconnect(),
  };
}

/** Whoever watches what never ends is told which command that was. */
async function tooLate(args: readonly string[]): Promise<never> {
  await pause(30_000, undefined, { ref: false });
  throw new Error(`rotor ${args.join(' ')} has not ended`);
}
