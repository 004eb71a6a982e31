/** The command line of rotor: a client of its API. */
import { Command } from 'commander';
import { RotorError } from '../../domain/errors.js';
import { addAdministration } from './administration.js';
import { addDependents } from './dependents.js';
import { addRunCommands } from './commands.js';
import { openContext, type Act, type GlobalOptions } from './context.js';
import { exitCodeOf, exitCodes, printError } from './output.js';

const help = `
Exit codes: 0 fine, 1 failed or rolled back, 2 invalid input, 3 denied, 4 missing,
5 conflict, 6 unavailable, 7 blocked, 8 faults found.

Where: ROTOR_URL and ROTOR_TOKEN or ROTOR_TOKEN_FILE; else what npm start left here.

Example:
  rotor apply -f declarations.yaml
  rotor plan acme/billing-api
  rotor rotate acme/billing-api --reason "quarterly" --watch
`;

function buildProgram(): Command {
  const program = new Command('rotor')
    .description('durable secret rotation: revoke only what observed use proves unused')
    .option('--json', 'JSON for programs')
    .addHelpText('after', help)
    .showHelpAfterError('(rotor help shows how)')
    .configureOutput({ writeErr: (text) => process.stderr.write(text) })
    .exitOverride();
  const act: Act =
    (work) =>
    async (...args) => {
      const code = await work(openContext(program.opts<GlobalOptions>()), ...args);
      if (typeof code === 'number') process.exitCode = code;
    };
  addRunCommands(program, act);
  addDependents(program, act);
  addAdministration(program, act);
  return program;
}

async function main(): Promise<void> {
  const program = buildProgram();
  try {
    await program.parseAsync(process.argv);
  } catch (error) {
    process.exitCode = report(error, program.opts<GlobalOptions>().json ?? false);
  }
}

/** commander has printed its own complaints; anything unknown is told by its class alone. */
function report(error: unknown, json: boolean): number {
  if (error instanceof RotorError) {
    printError(error, json);
    return exitCodeOf(error);
  }
  if (isUsage(error)) return error.exitCode === 0 ? exitCodes.fine : exitCodes.invalid;
  const name = error instanceof Error ? error.name : 'unknown';
  printError(
    new RotorError('unexpected', `something unexpected happened: ${name}`, { kind: 'failed' }),
    json,
  );
  return exitCodes.failed;
}

function isUsage(error: unknown): error is { exitCode: number } {
  return error instanceof Error && 'exitCode' in error && typeof error.exitCode === 'number';
}

await main();
