/** One process that runs many commands of rotor, one after the other: a process for each costs half a second. */
import { runCli } from '../../client/cli/main.js';
import { holdHttp } from '../../workers/conformance.js';
import { openDirect } from '../../workers/direct/open.js';
import { importMeans } from '../../workers/import.js';

export interface SessionCommand {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const said: Record<'out' | 'err', Uint8Array[]> = { out: [], err: [] };
for (const [name, stream] of [
  ['out', process.stdout],
  ['err', process.stderr],
] as const) {
  stream.write = ((text: string | Uint8Array) => {
    said[name].push(Buffer.from(text));
    return true;
  }) as typeof stream.write;
}

process.on('disconnect', () => process.exit());
process.on('message', (command: SessionCommand) => void run(command));

async function run({ args, env }: SessionCommand): Promise<void> {
  process.argv.splice(2, Number.POSITIVE_INFINITY, ...args);
  const usual = { ...process.env };
  Object.assign(process.env, env);
  Object.assign(said, { out: [], err: [] });
  process.exitCode = 0;
  const openImport = () => Promise.resolve(importMeans);
  await runCli({ openDirect, openImport, holdHttp });
  for (const name of Object.keys(env)) {
    if (usual[name] === undefined) delete process.env[name];
    else process.env[name] = usual[name];
  }
  const [out, err] = [said.out, said.err].map((all) => Buffer.concat(all).toString('utf8'));
  process.send?.({ code: process.exitCode, out, err });
  process.exitCode = 0;
}
