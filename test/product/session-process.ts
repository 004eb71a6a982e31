/** One process that runs many commands of rotor, one after the other: a process for each costs half a second. */
import { runCli } from '../../client/cli/main.js';
import { openDirect } from '../../workers/direct/open.js';

export interface SessionCommand {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const said = { out: '', err: '' };
for (const [name, stream] of [
  ['out', process.stdout],
  ['err', process.stderr],
] as const) {
  stream.write = ((text: string) => {
    said[name] += text;
    return true;
  }) as typeof stream.write;
}

process.on('disconnect', () => process.exit());
process.on('message', (command: SessionCommand) => void run(command));

async function run({ args, env }: SessionCommand): Promise<void> {
  process.argv.splice(2, Number.POSITIVE_INFINITY, ...args);
  Object.assign(process.env, env);
  Object.assign(said, { out: '', err: '' });
  process.exitCode = 0;
  await runCli(openDirect);
  for (const name of Object.keys(env)) delete process.env[name];
  process.send?.({ code: process.exitCode, ...said });
  process.exitCode = 0;
}
