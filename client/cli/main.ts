/** The command line of rotor: a client of its API, but for what works without one. */
import { Command, CommanderError } from 'commander';
import { RotorError } from '../../domain/errors.js';
import { addAdministration } from './administration.js';
import { addDependents } from './dependents.js';
import { addConformance, type HoldHttp } from './conformance.js';
import { addContain, type OpenDirect } from './contain.js';
import { addImport, type OpenImport } from './import.js';
import { addIncidents } from './incidents.js';
import { addProjects } from './projects.js';
import { addNotify } from './notify.js';
import { addRunCommands } from './commands.js';
import { addFindings } from './findings.js';
import { openContext, type Act, type GlobalOptions } from './context.js';
import { exitCodeOf, exitCodes, printError } from './output.js';
import { addRecover } from './recover.js';
import { addRekey } from './rekey.js';
import { demandRequired, inOptions, requiredOf } from './spoken.js';
import { addDiscover } from './discover.js';
import { addSweep } from './sweep.js';
import { addTasks } from './tasks.js';
import { addSchedules } from './schedules.js';

const help = `
Exit codes: 0 fine, 1 failed or rolled back, 2 invalid input, 3 denied, 4 missing,
5 conflict, 6 unavailable, 7 blocked, 8 faults found, 141 nobody reads the output.

Where: ROTOR_URL and ROTOR_TOKEN or ROTOR_TOKEN_FILE; else what npm start left here.

Examples (each command's own help has more, such as rotor rotate --help):
  rotor apply -f declarations.yaml
  rotor plan acme/billing-api
  rotor rotate acme/billing-api --reason "quarterly" --watch
`;

/** What works without rotor's API, opened when it is needed. */
export interface WithoutApi {
  readonly openDirect: OpenDirect;
  readonly openImport: OpenImport;
  readonly holdHttp: HoldHttp;
}

function buildProgram({ openDirect, openImport, holdHttp }: WithoutApi): Command {
  const program = new Command('rotor')
    .description('durable secret rotation: revoke only what observed use proves unused')
    .option('--json', 'JSON for programs')
    .addHelpText('after', help)
    .showHelpAfterError('(rotor help shows how)')
    .configureOutput({ writeErr: (text) => void (wantsJson() || process.stderr.write(text)) })
    .exitOverride();
  const act: Act =
    (work) =>
    async (...args) => {
      const context = openContext(program.opts<GlobalOptions>());
      const code = await work(context, ...args).catch((error: unknown) => {
        throw inOptions(error, args.at(-1) as Command);
      });
      if (typeof code === 'number') process.exitCode = code;
    };
  addRunCommands(program, act);
  addContain(program, { open: openDirect, json: wantsJson });
  addIncidents(program, act);
  addProjects(program, act);
  addFindings(program, act);
  addSweep(program, act);
  addDiscover(program, act);
  addImport(program, act, openImport);
  addDependents(program, act);
  addTasks(program, act);
  addSchedules(program, act);
  addNotify(program, act);
  addAdministration(program, act);
  addRekey(program);
  addRecover(program, act);
  addConformance(program, { hold: holdHttp, json: wantsJson });
  const demand = demandRequired(requiredOf(program));
  return program.hook('preAction', (_program, command) => demand(command));
}

/** Sets the process's exit code. */
export async function runCli(withoutApi: WithoutApi): Promise<void> {
  const program = buildProgram(withoutApi);
  try {
    await program.parseAsync(process.argv);
  } catch (error) {
    process.exitCode = report(error, wantsJson());
  }
}

/** Also where the command line could not be read. */
function wantsJson(): boolean {
  return process.argv.includes('--json');
}

/** commander has printed its own complaints as text; anything unknown is told by its class alone. */
function report(error: unknown, json: boolean): number {
  if (error instanceof RotorError) {
    printError(error, json);
    return exitCodeOf(error);
  }
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCodes.fine;
    if (json) printError(usageError(error), json);
    return exitCodes.invalid;
  }
  const name = error instanceof Error ? error.name : 'unknown';
  printError(
    new RotorError('unexpected', `something unexpected happened: ${name}`, { kind: 'failed' }),
    json,
  );
  return exitCodes.failed;
}

function usageError({ code, message }: CommanderError): RotorError {
  const [said = '', suggestion] = message.replace(/^error: /, '').split('\n');
  const what = code === 'commander.help' ? 'a command is needed' : said;
  const hint = suggestion?.replace(/^\((.*)\)$/, '$1') ?? 'rotor help shows how';
  return new RotorError('usage-invalid', what, { kind: 'invalid', hint });
}
