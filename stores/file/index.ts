/** Values as files encrypted with age: a folder for each version, which is there whole or not at all. */
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { AdapterError } from '../../domain/errors.js';
import { SecretValue } from '../../domain/secret-value.js';
import type { Store } from '../../domain/store.js';
import { storeKind } from '../kind.js';
import { isSame } from '../../reach/same.js';
import { openBox, type Box } from './box.js';
import { placeAside, readWhole, removeWhole } from './folder.js';

const absolute = z.string().refine(isAbsolute, 'expected an absolute path');

export const file = storeKind({
  kind: 'file',
  options: z.strictObject({
    folder: absolute.describe("of rotor's user alone (mode 0700); it has to be there"),
    identityFile: absolute.describe('what age-keygen writes, mode 0600; each identity opens'),
    recipients: z
      .array(z.string().regex(/^age1[0-9a-z]{20,}$/, 'expected a recipient such as age1...'))
      .min(1)
      .optional()
      .describe('whoever may open what is put from now on; otherwise the first identity alone'),
  }),
  place: ({ folder }) => `file ${folder.replace(/\/+$/, '')}`,
  open: ({ folder, ...keys }) => open(folder, openBox(keys)),
});

function open(folder: string, box: Box): Store {
  return {
    kind: 'file',
    put: (versionId, value) => put({ folder, box }, versionId, value),
    get: (versionId) => get({ folder, box }, versionId),
    destroy: (versionId) => removeWhole(folder, nameOf(versionId)),
  };
}

interface Place {
  readonly folder: string;
  readonly box: Box;
}

/** It becomes the name of a folder. */
function nameOf(versionId: string): string {
  if (/^[0-9a-f-]{36}$/.test(versionId)) return versionId;
  throw new AdapterError('refused', 'the id of a version is expected');
}

async function put({ folder, box }: Place, versionId: string, value: SecretValue): Promise<void> {
  const name = nameOf(versionId);
  if ((await readWhole(folder, name)) === undefined) {
    const text = await box.close(`${versionId}\n${value.reveal()}`);
    // A value that rotor itself could not open would be lost.
    await box.open(text);
    if (await placeAside(folder, name, text)) return;
  }
  const kept = await get({ folder, box }, versionId);
  if (kept !== undefined && isSame(kept.reveal(), value.reveal())) return;
  throw new AdapterError('refused', 'another value is kept under this version');
}

async function get({ folder, box }: Place, versionId: string): Promise<SecretValue | undefined> {
  const bytes = await readWhole(folder, nameOf(versionId));
  if (bytes === undefined) return undefined;
  const text = await box.open(bytes);
  const start = `${versionId}\n`;
  if (text.startsWith(start)) return new SecretValue(text.slice(start.length));
  throw new AdapterError('unreadable', 'a file holds the value of another version');
}
