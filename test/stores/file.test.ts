import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Decrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { SecretValue } from '../../domain/secret-value.js';
import type { Store } from '../../domain/store.js';
import { packageRoot } from '../../infra/package-root.js';
import { file } from '../../stores/file/index.js';
import { newFolder, type Folder } from '../connectors/places.js';
import { storeContract } from '../contracts/store.js';
import { noContext } from './context.js';

let place: Folder;
let folder: string;
let identity: string;
beforeEach(async () => {
  place = newFolder();
  folder = place.file('values');
  mkdirSync(folder, { mode: 0o700 });
  identity = await generateIdentity();
  keep('identity', identity);
});
afterEach(() => place.remove());

function keep(name: string, text: string): string {
  const path = place.file(name);
  writeFileSync(path, `# created: today\n${text}\n`, { mode: 0o600 });
  return path;
}

function options(more: object = {}): object {
  return { folder, identityFile: place.file('identity'), ...more };
}

function open(more: object = {}): Store {
  return file.open(file.options.parse(options(more)), noContext);
}

const value = (text: string): SecretValue => new SecretValue(text);
const aside = (): string[] => readdirSync(join(folder, '.aside'));

describe('the file store keeps the contract', () => {
  for (const { name, check } of storeContract) test(name, () => check(open()));
});

describe('the file store', () => {
  test('leaves no value that can be read, in files and folders of its user alone', async () => {
    const versionId = randomUUID();
    await open().put(versionId, value('legible'));
    const path = join(folder, versionId, 'value.age');
    const bytes = readFileSync(path);
    expect(bytes.toString('latin1')).toMatch(/^age-encryption.org\/v1\n/);
    expect(bytes.toString('latin1')).not.toContain('legible');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, versionId)).mode & 0o777).toBe(0o700);
    expect(aside()).toEqual([]);
  });

  test('closes for all recipients, each of whom opens alone', async () => {
    const other = await generateIdentity();
    const recipients = await Promise.all([identity, other].map(identityToRecipient));
    const versionId = randomUUID();
    await open({ recipients }).put(versionId, value('for both'));
    const decrypter = new Decrypter();
    decrypter.addIdentity(other);
    const bytes = new Uint8Array(readFileSync(join(folder, versionId, 'value.age')));
    expect(await decrypter.decrypt(bytes, 'text')).toBe(`${versionId}\nfor both`);
    const identityFile = keep('other', other);
    expect((await open({ identityFile }).get(versionId))?.reveal()).toBe('for both');
  });

  test('opens with any identity of its file, so that a new one can take over', async () => {
    const versionId = randomUUID();
    await open().put(versionId, value('old'));
    const young = await generateIdentity();
    keep('identity', `${young}\n${identity}`);
    const next = randomUUID();
    await open().put(next, value('young'));
    expect((await open().get(versionId))?.reveal()).toBe('old');
    keep('identity', young);
    expect((await open().get(next))?.reveal()).toBe('young');
    await expect(open().get(versionId)).rejects.toMatchObject({ code: 'unreadable' });
  });

  test('puts nothing that rotor itself could not open', async () => {
    const recipients = [await identityToRecipient(await generateIdentity())];
    await expect(open({ recipients }).put(randomUUID(), value('x'))).rejects.toMatchObject({
      code: 'unreadable',
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  test("does not take another version's value, nor one of which a bit was changed", async () => {
    const [one, other] = [randomUUID(), randomUUID()];
    await open().put(one, value('of one'));
    cpSync(join(folder, one), join(folder, other), { recursive: true });
    await expect(open().get(other)).rejects.toMatchObject({ code: 'unreadable' });
    const path = join(folder, one, 'value.age');
    const bytes = readFileSync(path);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
    writeFileSync(path, bytes);
    await expect(open().get(one)).rejects.toMatchObject({ code: 'unreadable' });
  });

  test('a folder that is not there, or open to others, is no empty store', async () => {
    renameSync(folder, `${folder}.away`);
    for (const work of [
      open().get(randomUUID()),
      open().put(randomUUID(), value('x')),
      open().destroy(randomUUID()),
    ])
      await expect(work).rejects.toMatchObject({ code: 'unreadable' });
    renameSync(`${folder}.away`, folder);
    chmodSync(folder, 0o750);
    await expect(open().get(randomUUID())).rejects.toMatchObject({ code: 'not-permitted' });
  });

  test('an identity that others may read, or that is none, is refused', async () => {
    chmodSync(place.file('identity'), 0o640);
    await expect(open().put(randomUUID(), value('x'))).rejects.toMatchObject({
      code: 'not-permitted',
    });
    keep('none', 'AGE');
    await expect(
      open({ identityFile: place.file('none') }).put(randomUUID(), value('x')),
    ).rejects.toMatchObject({ code: 'not-permitted' });
  });

  test('the id of a version is no way out of the folder', async () => {
    await expect(open().get('../identity')).rejects.toMatchObject({ code: 'refused' });
  });
});

const program = join(packageRoot(), 'dist', 'test', 'stores', 'store-process.js');

describe('a process of the file store that is killed', () => {
  test('between the write and the rename has put nothing, and the next one puts it', async () => {
    const versionId = randomUUID();
    const child = spawn(process.execPath, [program, JSON.stringify(options()), versionId], {
      stdio: 'ignore',
    });
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
    expect(signal).toBe('SIGKILL');
    expect(aside()).toHaveLength(1);
    expect(await open().get(versionId)).toBeUndefined();
    await open().put(versionId, value('another'));
    expect((await open().get(versionId))?.reveal()).toBe('another');
    expect(aside()).toEqual([]);
  });

  test('at any moment has each value whole or not at all, and what it said to have put', async () => {
    const child = spawn(process.execPath, [program, JSON.stringify(options())], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [begun, put] = [new Set<string>(), new Set<string>()];
    for await (const line of createInterface({ input: child.stdout })) {
      const [word, id = ''] = line.split(' ');
      (word === 'put' ? put : begun).add(id);
      if (put.size === 25) child.kill('SIGKILL');
    }
    expect(put.size).toBeGreaterThanOrEqual(25);
    for (const id of begun) {
      const found = (await open().get(id))?.reveal();
      if (put.has(id) || found !== undefined) expect(found).toBe(`value of ${id}`);
    }
  });
});
