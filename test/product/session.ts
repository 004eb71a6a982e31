/** Many commands of rotor in one process, one after the other; what is given standard input has one of its own. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { packageRoot } from '../../infra/package-root.js';
import type { Installation } from '../faults/installation.js';
import { rotorIn, type Rotor, type Said } from './rotor.js';
import type { SessionCommand } from './session-process.js';

export interface Session {
  readonly rotor: Rotor;
  close(): void;
}

/** Files that commands name lie in the installation's folder. */
export function openSession({ folder }: Pick<Installation, 'folder'>): Session {
  const { FORCE_COLOR: _colour, ...environment } = process.env;
  const child = fork(join(packageRoot(), 'dist', 'test', 'product', 'session-process.js'), {
    cwd: folder,
    env: { ...environment, NO_COLOR: '1', ROTOR_STATE: folder },
    execArgv: ['--enable-source-maps'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const gone = once(child, 'exit').then(() => {
    throw new Error('the process of the commands has ended');
  });
  gone.catch(() => undefined);
  const say = async (command: SessionCommand): Promise<Said> => {
    const answer = once(child, 'message');
    child.send(command);
    const [said] = (await Promise.race([answer, gone, tooLate(command.args)])) as [Said];
    return said;
  };
  const alone = rotorIn({ folder });
  let before: Promise<unknown> = Promise.resolve();
  return {
    rotor: (args, { input, env = {} } = {}) => {
      if (input !== undefined) return alone(args, { input, env });
      const said = before.then(() => say({ args, env }));
      before = said.catch(() => undefined);
      return said;
    },
    close: () => child.disconnect(),
  };
}

/** Whoever watches what never ends is told which command that was. */
async function tooLate(args: readonly string[]): Promise<never> {
  await pause(80_000, undefined, { ref: false });
  throw new Error(`rotor ${args.join(' ')} has not ended`);
}
