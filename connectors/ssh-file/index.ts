/** A file on another machine that holds a value and nothing else, written by SFTP. */
import { posix } from 'node:path';
import { z } from 'zod';
import type { Connector, Delivery, Destination } from '../../domain/connector.js';
import { AdapterError } from '../../domain/errors.js';
import { inTurn } from '../files.js';
import { connectorKind } from '../kind.js';
import { delivered, readHeld, withdrawn, type Edit } from '../known.js';
import { readRemote, realRemote, replaceRemote, type RemoteFile } from './remote.js';
import { inSession, type Session } from './session.js';

const RemotePath = z
  .string()
  .max(4_096)
  .refine(
    (path) =>
      posix.isAbsolute(path) && posix.normalize(path) === path && !/[\u0000-\u001f]/.test(path),
    'expected an absolute path without .. and the like',
  );

const Machine = z.strictObject({
  address: z.string().regex(/^[\w.:-]+$/, 'expected a name or an address'),
  port: z.number().int().min(1).max(65_535).default(22),
  user: z.string().min(1),
  keyFile: z
    .string()
    .min(1)
    .describe("a file of mode 0600 with rotor's private key; read each time"),
  hostKeyFile: z.string().min(1).describe("the machine's public keys, as ssh-keyscan prints them"),
  roots: z.array(RemotePath).min(1).describe('folders of it that rotor may write in'),
  timeoutMs: z.number().int().positive().max(600_000).default(30_000),
});
type Machine = z.output<typeof Machine>;

const Options = z.strictObject({
  machines: z.record(z.string().regex(/^[a-z0-9][a-z0-9.-]{0,62}$/), Machine),
});
type Options = z.output<typeof Options>;

const Address = z.strictObject({
  machine: z.string().describe('its name in the configuration'),
  file: RemotePath.describe('it has to be there'),
});
type Address = z.output<typeof Address>;

export const sshFile = connectorKind({
  kind: 'ssh-file',
  libraries: [{ name: 'ssh2', version: '1.17.0' }],
  options: Options,
  address: Address,
  tested: { system: 'OpenSSH', version: '9.2p1', on: '2026-11-26' },
  identity: ({ machine, file }, options) => {
    const { address, port } = machineOf(options, machine);
    return `${address}:${port}${file}`;
  },
  open: (options): Connector => ({
    kind: 'ssh-file',
    traits: () => ({ holdsSeveral: false, evidence: 'read-back' }),
    held: async (destination, known) => {
      const { text } = await within(options, destination, { work: read });
      // One line break at the end is an editor's, and none of the value's.
      return readHeld([text.replace(/\r?\n$/, '')], known);
    },
    deliver: (delivery) => change(options, delivery, delivered),
    forget: () => Promise.resolve(),
    withdraw: (delivery) => change(options, delivery, withdrawn),
  }),
});

function machineOf({ machines }: Options, name: string): Machine {
  const found = Object.hasOwn(machines, name) ? machines[name] : undefined;
  if (found !== undefined) return found;
  const known = Object.keys(machines).join(', ') || 'none';
  throw new AdapterError('not-permitted', `there is no machine ${name} (there: ${known})`);
}

interface Place {
  readonly session: Session;
  readonly path: string;
  readonly roots: readonly string[];
}

interface Working<T> {
  readonly work: (place: Place) => Promise<T>;
  readonly signal?: AbortSignal;
}

/** One write of a file at a time in this process. */
async function within<T>(
  options: Options,
  { address }: Destination,
  { work, signal }: Working<T>,
): Promise<T> {
  const { machine: name, file: path } = Address.parse(address);
  const machine = machineOf(options, name);
  const { roots } = machine;
  return inTurn(`ssh-file ${machine.address}:${machine.port}${path}`, () =>
    inSession(machine, signal, (session) => work({ session, path, roots })),
  );
}

async function read({ session, path, roots }: Place): Promise<RemoteFile> {
  return readRemote(session, await realRemote(session, path, roots));
}

const mostBytes = 256 * 1024;

async function change(
  options: Options,
  { destination, version, signal }: Delivery,
  edit: Edit,
): Promise<void> {
  const value = version.value.reveal();
  // A last line break would be taken for an editor's when it is read back.
  if (value === '' || value.endsWith('\n') || Buffer.byteLength(value) > mostBytes)
    throw new AdapterError(
      'refused',
      `the file takes 1 to ${mostBytes} bytes, and no line break at the end`,
    );
  const work = async (place: Place): Promise<void> => {
    const before = await read(place);
    const text = edit(before.text.replace(/\r?\n$/, ''), value) ?? '';
    if (text !== before.text.replace(/\r?\n$/, ''))
      await replaceRemote(place.session, before, text);
  };
  await within(options, destination, { work, signal });
}
