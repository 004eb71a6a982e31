/** A program of yours: events as JSON on its standard input, no shell, and nothing of rotor's environment. */
import { z } from 'zod';
import { AdapterError } from '../../domain/errors.js';
import { checkProgram, Executable, runProgram } from '../../reach/program.js';
import { channelKind, SendTimeout, type Channel } from './kind.js';
import { bodyOf } from './text.js';

const Options = z.strictObject({
  executable: Executable,
  arguments: z.array(z.string()).default([]),
  environment: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string())
    .default({})
    .describe('all that the program gets, besides a PATH'),
  timeoutMs: SendTimeout,
});
type Options = z.output<typeof Options>;

export const command = channelKind({ kind: 'command', options: Options, open });

function open(options: Options): Channel {
  const { executable, environment, timeoutMs } = options;
  return {
    send: async (message, signal) => {
      const { exitCode } = await runProgram({
        executable,
        args: options.arguments,
        environment,
        input: JSON.stringify(bodyOf(message)),
        timeoutMs,
        signal,
      });
      if (exitCode === 0) return;
      const how = exitCode === undefined ? 'by a signal' : `with exit code ${exitCode}`;
      throw new AdapterError('refused', `${executable} ended ${how}`);
    },
    check: async () => {
      await checkProgram(executable);
      return `to ${executable}`;
    },
  };
}
