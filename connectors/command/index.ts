/** A program of yours that carries values to a place of its own; the configuration says which programs there are. */
import { z } from 'zod';
import type {
  Connector,
  Delivery,
  Destination,
  HeldVersions,
  KnownValue,
} from '../../domain/connector.js';
import { AdapterError } from '../../domain/errors.js';
import { inTurn } from '../files.js';
import { connectorKind } from '../kind.js';
import { isSame } from '../../reach/same.js';
import { readHeld } from '../known.js';
import { Executable, runProgram } from '../../reach/program.js';
import { parseReply, type Reply } from './reply.js';

const Command = z.strictObject({
  executable: Executable,
  arguments: z.array(z.string()).default([]).describe('stand before those that rotor adds'),
  environment: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string())
    .default({})
    .describe('all that the program gets, besides a PATH'),
  holdsSeveral: z.boolean().default(false),
  exercises: z.boolean().default(false).describe('it can cause one real use of what it delivered'),
  timeoutMs: z.number().int().positive().max(600_000).default(30_000),
});
type Command = z.output<typeof Command>;

const Options = z.strictObject({
  commands: z.record(z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/), Command),
});
type Options = z.output<typeof Options>;

const Address = z.strictObject({
  command: z.string().describe('its name in the configuration'),
  // It never begins with a dash, and no part of it with a dot: it is neither an option nor a way out of a folder.
  destination: z
    .string()
    .max(200)
    .regex(/^[A-Za-z0-9][\w.-]*(?:\/[A-Za-z0-9][\w.-]*)*$/, 'expected names with / between them'),
});
type Address = z.output<typeof Address>;

export const command = connectorKind({
  kind: 'command',
  options: Options,
  address: Address,
  identity: (address, options) => {
    commandOf(options, address);
    return identityOf(address);
  },
  open,
});

function identityOf({ command: name, destination }: Address): string {
  return `${name}#${destination}`;
}

function commandOf({ commands }: Options, { command: name }: Address): Command {
  const found = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (found !== undefined) return found;
  const known = Object.keys(commands).join(', ') || 'none';
  throw new AdapterError(
    'not-permitted',
    `there is no command ${name} in rotor's configuration (there: ${known})`,
  );
}

function open(options: Options): Connector {
  return {
    kind: 'command',
    traits: ({ address }) => ({
      holdsSeveral: options.commands[Address.parse(address).command]?.holdsSeveral ?? false,
      evidence: 'read-back',
    }),
    held: (destination, known) => held(options, destination, known),
    deliver: (delivery) => inTurnOf(delivery, () => deliver(options, delivery)),
    forget: (delivery) => inTurnOf(delivery, () => forget(options, delivery)),
    withdraw: (delivery) => inTurnOf(delivery, () => remove(options, delivery, () => true)),
    exercise: (destination, signal) => exercise(options, destination, signal),
  };
}

function inTurnOf({ destination }: Delivery, work: () => Promise<void>): Promise<void> {
  return inTurn(identityOf(Address.parse(destination.address)), work);
}

interface Order {
  readonly destination: Destination;
  readonly operation: 'deliver' | 'held' | 'forget' | 'exercise';
  readonly version?: KnownValue;
  readonly signal?: AbortSignal;
}

/** The value on standard input, exactly as it is; everything else as arguments. */
async function run(options: Options, order: Order): Promise<string> {
  const address = Address.parse(order.destination.address);
  const { executable, environment, timeoutMs, ...own } = commandOf(options, address);
  const { operation, version, signal } = order;
  const versionId = version === undefined ? [] : [version.versionId];
  const { exitCode, output } = await runProgram({
    executable,
    args: [...own.arguments, operation, address.destination, ...versionId],
    environment,
    input: version?.value.reveal() ?? '',
    timeoutMs,
    signal,
  });
  if (exitCode === 0) return output;
  throw failed(`${address.command} (${operation})`, exitCode);
}

/** As in sysexits.h: tried again, not permitted, not there. */
const codes = { 75: 'unreachable', 77: 'not-permitted', 66: 'not-found' } as const;

function failed(what: string, exitCode: number | undefined): AdapterError {
  if (exitCode === undefined)
    return new AdapterError('unreachable', `the command ${what} was ended by a signal`);
  const code = exitCode in codes ? codes[exitCode as keyof typeof codes] : 'refused';
  return new AdapterError(code, `the command ${what} ended with exit code ${exitCode}`);
}

async function ask(options: Options, destination: Destination): Promise<Reply> {
  const address = Address.parse(destination.address);
  const reply = parseReply(await run(options, { destination, operation: 'held' }));
  if (reply === undefined)
    throw new AdapterError('bad-reply', `the command ${address.command} does not say what is held`);
  if (reply.entries.length > 1 && !commandOf(options, address).holdsSeveral)
    throw new AdapterError(
      'bad-reply',
      `the command ${address.command} says that it holds several`,
    );
  return reply;
}

async function held(
  options: Options,
  destination: Destination,
  known: readonly KnownValue[],
): Promise<HeldVersions> {
  const { kind, entries } = await ask(options, destination);
  if (kind === 'values') return readHeld(entries, known);
  const isKnown = (id: string): boolean => known.some(({ versionId }) => versionId === id);
  return { versionIds: entries.filter(isKnown), unknown: [], attests: undefined };
}

async function deliver(options: Options, delivery: Delivery): Promise<void> {
  const { destination, version, signal } = delivery;
  await run(options, { destination, version, signal, operation: 'deliver' });
}

async function exercise(
  options: Options,
  destination: Destination,
  signal: AbortSignal,
): Promise<void> {
  const address = Address.parse(destination.address);
  if (!commandOf(options, address).exercises) return;
  await run(options, { destination, signal, operation: 'exercise' });
}

/** The only value left stays: an empty list is an outage. */
async function forget(options: Options, delivery: Delivery): Promise<void> {
  const { address } = delivery.destination;
  if (!commandOf(options, Address.parse(address)).holdsSeveral) return;
  await remove(options, delivery, (others) => others > 0);
}

/** Where it is there, and the number of others allows it. */
async function remove(
  options: Options,
  { destination, version, signal }: Delivery,
  may: (others: number) => boolean,
): Promise<void> {
  const { kind, entries } = await ask(options, destination);
  const others = entries.filter((entry) =>
    kind === 'values' ? !isSame(entry, version.value.reveal()) : entry !== version.versionId,
  ).length;
  if (others === entries.length || !may(others)) return;
  await run(options, { destination, version, signal, operation: 'forget' });
}
