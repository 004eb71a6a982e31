/** An encrypted credential file of systemd, and the unit that reads it when it starts. */
import { existsSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { Connector, Delivery, Destination, KnownValue } from '../../domain/connector.js';
import { AdapterError } from '../../domain/errors.js';
import { Executable } from '../../reach/program.js';
import { tellUnit, Unit } from '../../reach/systemctl.js';
import {
  createText,
  FileOptions,
  FilePath,
  inTurn,
  readText,
  realFile,
  replaceText,
  type FileContent,
} from '../files.js';
import { connectorKind } from '../kind.js';
import { delivered, readHeld, withdrawn, type Edit } from '../known.js';
import { openCreds, type Creds } from './creds.js';

const Options = FileOptions.extend({
  units: z.array(Unit).default([]).describe('the only units that are restarted'),
  key: z
    .enum(['auto', 'host', 'tpm2', 'host+tpm2'])
    .default('auto')
    .describe('what systemd-creds encrypts with'),
  systemdCreds: Executable.default('/usr/bin/systemd-creds'),
  systemctl: Executable.default('/usr/bin/systemctl'),
  timeoutMs: z.number().int().positive().max(600_000).default(30_000),
});
type Options = z.output<typeof Options>;

const Address = z.strictObject({
  file: FilePath.describe('the encrypted credential; one that is missing is made, of mode 0600'),
  name: z
    .string()
    .regex(/^[\w.-]{1,200}$/, 'expected the name of a credential')
    .refine((name) => !/^\.+$/.test(name), 'expected more than dots')
    .optional()
    .describe('as LoadCredentialEncrypted has it; otherwise that of the file'),
  unit: Unit.optional().describe('restarted after each change: it reads credentials at its start'),
});
type Address = z.output<typeof Address>;

export const systemdCredential = connectorKind({
  kind: 'systemd-credential',
  options: Options,
  address: Address,
  tested: { system: 'systemd-creds, and no init', version: '252', on: '2026-11-26' },
  identity: ({ file, unit }, options) => {
    refuseUnknown(unit, options);
    return realFile(file, options);
  },
  open,
});

function refuseUnknown(unit: string | undefined, { units }: Options): void {
  if (unit === undefined || units.includes(unit)) return;
  throw new AdapterError('not-permitted', `${unit} is not one of the units of rotor.yaml`);
}

interface Place {
  readonly options: Options;
  readonly creds: Creds;
  readonly file: string;
  readonly name: string;
  readonly unit: string | undefined;
  readonly signal: AbortSignal | undefined;
}

function open(options: Options): Connector {
  const creds = openCreds(options);
  const at = ({ address }: Destination, signal?: AbortSignal): Place => {
    const { file, name = basename(file), unit } = Address.parse(address);
    refuseUnknown(unit, options);
    return { options, creds, file: realFile(file, options), name, unit, signal };
  };
  const held = async (destination: Destination, known: readonly KnownValue[]) => {
    const place = at(destination);
    const value = await inTurn(place.file, async () => {
      // Who looks finds what a killed delivery left to be said, and says it: only then it is as it seems.
      if (await isDue(place)) await restart(place);
      return (await read(place)).value;
    });
    return readHeld(value === undefined ? [] : [value], known);
  };
  return {
    kind: 'systemd-credential',
    traits: () => ({ holdsSeveral: false, evidence: 'read-back' }),
    held,
    deliver: async ({ destination, version, signal }) =>
      change(at(destination, signal), version, delivered),
    forget: () => Promise.resolve(),
    withdraw: async ({ destination, version, signal }) =>
      change(at(destination, signal), version, withdrawn),
  };
}

interface Read {
  readonly content: FileContent | undefined;
  readonly value: string | undefined;
}

async function read({ creds, file, name, options, signal }: Place): Promise<Read> {
  const content = await readText(file, options).catch(undefinedWhereMissing);
  if (content === undefined) {
    if (existsSync(dirname(file))) return { content, value: undefined };
    throw new AdapterError('not-found', `there is no folder for ${file}`);
  }
  const value = await creds.open(name, content.text, signal);
  if (!value.includes('\uFFFD')) return { content, value };
  throw new AdapterError('invalid-destination', `the credential in ${file} is no UTF-8 text`);
}

function undefinedWhereMissing(error: unknown): undefined {
  if (!(error instanceof AdapterError) || error.code !== 'not-found') throw error;
}

/** What systemd-creds prints is bounded, and a third longer than the value. */
const mostBytes = 40 * 1024;

async function change(place: Place, { value }: Delivery['version'], edit: Edit): Promise<void> {
  const text = value.reveal();
  const isWhole = !text.includes('\uFFFD') && text !== '';
  if (!isWhole || Buffer.byteLength(text) > mostBytes)
    throw new AdapterError('refused', `a credential takes 1 to ${mostBytes} bytes of text`);
  await inTurn(place.file, async () => {
    const { content, value: before } = await read(place);
    const after = edit(before, text);
    const isSame = after === before;
    if (isSame && edit === withdrawn && !(await isDue(place))) return;
    // On record before the change, so that no kill comes between it and the restart.
    await noteDue(place);
    if (!isSame) await write(place, content, after ?? '');
    await restart(place);
  });
}

async function write(
  { creds, file, name, signal }: Place,
  before: FileContent | undefined,
  value: string,
): Promise<void> {
  const text = await creds.close(name, value, signal);
  // What could not be read back would be lost.
  if ((await creds.open(name, text, signal)) !== value)
    throw new AdapterError(
      'refused',
      `systemd-creds does not give back what it encrypts (${name})`,
    );
  if (before === undefined) await createText(file, text);
  else await replaceText(before, text);
}

function dueFile(file: string): string {
  return join(dirname(file), `.${basename(file)}.restart-due`);
}

async function isDue({ file, options, unit }: Place): Promise<boolean> {
  if (unit === undefined) return false;
  return (await readText(dueFile(file), options).catch(undefinedWhereMissing)) !== undefined;
}

async function noteDue(place: Place): Promise<void> {
  if (place.unit !== undefined && !(await isDue(place))) await createText(dueFile(place.file), '');
}

async function restart({ file, options, signal, unit }: Place): Promise<void> {
  if (unit === undefined) return;
  await tellUnit(unit, 'restart', { ...options, signal });
  await unlink(dueFile(file)).catch(() => undefined);
}
