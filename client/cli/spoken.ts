/** What the API says of a request, in the words of the command line that was typed. */
import type { Command, Option } from 'commander';
import { RotorError, type Problem } from '../../domain/errors.js';

/** Where a field is not called as its option is: the option that was said, or else the first that the command has. */
const named: Readonly<Record<string, readonly string[]>> = {
  versions: ['version', 'revoke'],
  everyVersion: ['version'],
  'acceptOutage.dependents': ['acceptOutage', 'dependent'],
  'acceptOutage.sources': ['acceptSource', 'source'],
  acceptOutage: ['acceptOutage', 'dependent'],
  noDependentsKnown: ['dependentsKnown'],
  labels: ['label'],
  credentialId: ['credential'],
  value: ['valueStdin'],
};

export function inOptions(error: unknown, command: Command): unknown {
  if (!(error instanceof RotorError) || error.problems.length === 0) return error;
  const { code, message, kind, hint, problems } = error;
  return new RotorError(code, message, {
    kind,
    ...(hint === undefined ? {} : { hint }),
    problems: problems.map((problem) => spoken(problem, command)),
  });
}

function spoken({ path, message, ...more }: Problem, command: Command): Problem {
  const field = path.replace(/^(body|query)\./, '');
  const words = /^(expected one of )(.+)$/.exec(message);
  const [, begins, names] = words ?? [];
  return {
    ...more,
    path: optionOf(field, command) ?? argumentOf(field, command) ?? field,
    message:
      begins === undefined || names === undefined
        ? message
        : `${begins}${names.replaceAll(/\w+/g, (name) => asOption(name, command))}`,
  };
}

/** `versions.0` is as good as `versions`: whoever typed it sees which is meant. */
function optionOf(field: string, command: Command): string | undefined {
  const [first = '', second = ''] = field.split('.');
  const attributes = named[`${first}.${second}`] ?? named[first] ?? [first];
  const said = attributes.filter((name) => command.getOptionValue(name) !== undefined);
  return (
    [...said, ...attributes]
      .map((attribute) => optionNamed(attribute, command)?.long)
      .find(Boolean) ?? undefined
  );
}

function optionNamed(attribute: string, { options }: Command): Option | undefined {
  return options.find((option) => option.attributeName() === attribute);
}

function argumentOf(field: string, { registeredArguments }: Command): string | undefined {
  return registeredArguments.some((argument) => argument.name() === field)
    ? `<${field}>`
    : undefined;
}

function asOption(name: string, command: Command): string {
  const option = optionOf(name, command);
  if (option === undefined) return name;
  return name === 'everyVersion' ? `${option} all` : option;
}

/** All that is missing at once: commander itself tells the first of them. */
export function demandRequired(
  required: ReadonlyMap<Command, readonly Option[]>,
): (command: Command) => void {
  return (command) => {
    const missing = (required.get(command) ?? []).filter(
      (option) => command.getOptionValue(option.attributeName()) === undefined,
    );
    if (missing.length === 0) return;
    throw new RotorError('usage-invalid', 'something is missing', {
      kind: 'invalid',
      problems: missing.map(({ flags, description }) => ({
        path: flags,
        message: `is missing${description === '' ? '' : `: ${description}`}`,
      })),
      hint: `rotor ${pathOf(command)} --help shows how`,
    });
  };
}

function pathOf(command: Command): string {
  const { parent } = command;
  return parent?.parent ? `${pathOf(parent)} ${command.name()}` : command.name();
}

/** Takes the checking of these over from commander. */
export function requiredOf(program: Command): Map<Command, readonly Option[]> {
  const found = new Map<Command, readonly Option[]>();
  for (const command of program.commands) {
    for (const [below, options] of requiredOf(command)) found.set(below, options);
    const required = command.options.filter(({ mandatory }) => mandatory);
    for (const option of required) option.mandatory = false;
    found.set(command, required);
  }
  return found;
}
