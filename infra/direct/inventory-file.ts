/** The inventory for the day when rotor itself is down: signed, without any value, beside the configuration. */
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { KnownSecret } from '../../domain/direct.js';
import { ageInWords } from '../../domain/duration.js';
import { RotorError } from '../../domain/errors.js';
import { versionStates } from '../../domain/version.js';
import { readLines, signLines } from './signed-lines.js';

const Head = z.object({
  inventory: z.literal(1),
  installationId: z.uuid(),
  writtenAt: z.iso.datetime(),
  secrets: z.number().int(),
});

const Secret = z.object({
  secretId: z.uuid(),
  organization: z.string(),
  name: z.string(),
  owner: z.string(),
  issuer: z.string(),
  specification: z.record(z.string(), z.unknown()),
  versions: z.array(
    z.object({
      versionId: z.uuid(),
      ordinal: z.number(),
      state: z.enum(versionStates),
      current: z.boolean(),
      origin: z.enum(['minted', 'adopted', 'orphan']),
      credentialId: z.string().optional(),
    }),
  ),
  dependents: z.array(
    z.object({
      name: z.string(),
      owner: z.string(),
      connector: z.string(),
      destination: z.string(),
    }),
  ),
});

export interface Inventory {
  readonly installationId: string;
  readonly writtenAt: Date;
  readonly secrets: readonly KnownSecret[];
}

export interface SignedPlace {
  readonly stateFolder: string;
  readonly key: Buffer;
}

const fileName = 'inventory.ndjson';

export const inventoryPurpose = 'inventory';

/** Workers write it every minute; older than this, nobody does. */
export const staleAfterMs = 5 * 60_000;

export function inventoryFile({ stateFolder }: Pick<SignedPlace, 'stateFolder'>): string {
  return join(stateFolder, fileName);
}

/** The whole file or the one before it, whenever the power fails; whoever writes last wins. */
export async function writeInventory(place: SignedPlace, inventory: Inventory): Promise<void> {
  const file = inventoryFile(place);
  const beside = `${file}.${randomBytes(6).toString('hex')}`;
  const { installationId, writtenAt, secrets } = inventory;
  const head = { inventory: 1, installationId, writtenAt, secrets: secrets.length };
  try {
    await writeWhole(beside, signedText(place.key, [head, ...secrets]));
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

const draftsLiveMs = 10 * 60_000;

/** What writers left that were killed. */
export async function removeDrafts(place: Pick<SignedPlace, 'stateFolder'>): Promise<void> {
  const names = await readdir(place.stateFolder);
  for (const name of names.filter((one) => one.startsWith(`${fileName}.`))) {
    const path = join(place.stateFolder, name);
    if (Date.now() - (await stat(path)).mtimeMs > draftsLiveMs) await rm(path, { force: true });
  }
}

const atOnce = 200;

/** In slices, so that a worker with ten thousand secrets goes on with other things. */
function* signedText(key: Buffer, entries: readonly object[]): Generator<string> {
  const { next } = signLines(key);
  for (let from = 0; from < entries.length; from += atOnce)
    yield entries
      .slice(from, from + atOnce)
      .map(next)
      .join('');
}

async function writeWhole(path: string, slices: Iterable<string>): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    for (const slice of slices) await file.appendFile(slice);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Throws `inventory-missing`, or `inventory-changed` where any of it is not what a worker wrote. */
export function readInventory(place: SignedPlace): Inventory {
  const file = inventoryFile(place);
  const { entries, rest } = readLines(place.key, readText(file));
  const [first, ...others] = entries;
  const head = Head.safeParse(first);
  if (rest !== 'nothing' || !head.success || others.length !== head.data.secrets)
    throw changed(file);
  const { installationId, writtenAt } = head.data;
  // What only a newer release understands must not keep the others from being contained.
  const secrets = others.flatMap((entry) => Secret.safeParse(entry).data ?? []);
  return { installationId, writtenAt: new Date(writtenAt), secrets };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new RotorError('inventory-missing', `there is no inventory that can be read: ${file}`, {
      kind: 'missing',
      hint: 'workers write it into their state folder (ROTOR_STATE); else revoke at the issuer itself',
    });
  }
}

function changed(file: string): RotorError {
  const age = ageInWords(Date.now() - statSync(file).mtimeMs);
  return new RotorError(
    'inventory-changed',
    `${file} is not what a worker wrote; it was last changed ${age} ago`,
    {
      kind: 'denied',
      hint: 'is it the key file of this installation (ROTOR_KEY_FILE)? Else somebody changed it: revoke at the issuer itself',
    },
  );
}
