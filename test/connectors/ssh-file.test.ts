import { randomUUID } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sshFile } from '../../connectors/ssh-file/index.js';
import { readRemote, replaceRemote } from '../../connectors/ssh-file/remote.js';
import { inSession } from '../../connectors/ssh-file/session.js';
import type { Connector, Destination } from '../../domain/connector.js';
import { holdToConnectorContract } from '../contracts/hold-to-connector.js';
import { toldBy } from '../issuers/leaking-server.js';
import { target, targetPatience } from '../targets/client.js';
import type { AddressOf } from '../targets/index.js';
import { deliveryOf, destinationAt, newFolder, type Folder } from './places.js';

let server: AddressOf<'sshd'>;
let folder: Folder;
beforeAll(async () => {
  server = await target('sshd');
  folder = newFolder();
  mkdirSync(folder.file('root'));
}, targetPatience);
afterAll(() => folder.remove());

function machine(more: object = {}) {
  const { host: address, port, user, keyFile, hostKeyFile } = server;
  const roots = [folder.file('root')];
  return { address, port, user, keyFile, hostKeyFile, roots, timeoutMs: 20_000, ...more };
}

function open(more: object = {}): Connector {
  const options = { machines: { app: machine(more) } };
  return sshFile.open(sshFile.options.parse(options));
}

function place(text = ''): Destination {
  const file = folder.file(`root/${randomUUID()}`);
  writeFileSync(file, text, { mode: 0o640 });
  return destinationAt({ machine: 'app', file });
}

const fileOf = ({ address }: Destination): string => String(address['file']);
const textOf = (destination: Destination): string => readFileSync(fileOf(destination), 'utf8');
const beside = (destination: Destination): string[] => {
  const name = fileOf(destination).split('/').at(-1) ?? '';
  return readdirSync(folder.file('root')).filter((one) => one.startsWith(`.${name}`));
};

holdToConnectorContract(
  'ssh-file',
  () =>
    Promise.resolve({
      connector: open(),
      place: () => Promise.resolve(place()),
      absent: () =>
        Promise.resolve(destinationAt({ machine: 'app', file: folder.file('root/missing') })),
      plant: (destination, text) =>
        Promise.resolve(writeFileSync(fileOf(destination), `${text}\n`)),
      close: () => Promise.resolve(),
    }),
  // Sixty logins in one of its tests, each a tenth of a second of both ends' work, and more on a loaded machine.
  { judged: false },
);

describe('ssh-file', () => {
  test('keeps mode and owner, replaces the file by one rename, and leaves nothing beside it', async () => {
    const destination = place('before\n');
    chmodSync(fileOf(destination), 0o604);
    if (process.getuid?.() === 0) chownSync(fileOf(destination), 12_345, 12_346);
    const before = statSync(fileOf(destination));
    await open().deliver(deliveryOf(destination, 'after'));
    const after = statSync(fileOf(destination));
    expect([after.mode, after.uid, after.gid]).toEqual([before.mode, before.uid, before.gid]);
    expect(after.ino).not.toBe(before.ino);
    expect(textOf(destination)).toBe('after');
    expect(beside(destination)).toEqual([]);
  });

  test('does not write again what is there', async () => {
    const destination = place('same\n');
    const before = statSync(fileOf(destination));
    await open().deliver(deliveryOf(destination, 'same'));
    expect(statSync(fileOf(destination)).ino).toBe(before.ino);
  });

  test('a link stays a link, and leads nowhere outside of the roots', async () => {
    const destination = place('x');
    const link = folder.file(`root/${randomUUID()}`);
    symlinkSync(fileOf(destination), link);
    await open().deliver(deliveryOf(destinationAt({ machine: 'app', file: link }), 'by link'));
    expect(textOf(destination)).toBe('by link');
    const outside = folder.file(`outside-${randomUUID()}`);
    writeFileSync(outside, 'theirs');
    const away = folder.file(`root/${randomUUID()}`);
    symlinkSync(outside, away);
    for (const file of [away, outside])
      await expect(
        open().deliver(deliveryOf(destinationAt({ machine: 'app', file }), 'x')),
      ).rejects.toMatchObject({ code: 'not-permitted' });
    expect(readFileSync(outside, 'utf8')).toBe('theirs');
  });

  test('somebody who wrote since it was read is not overwritten', async () => {
    const destination = place('before');
    const path = fileOf(destination);
    const work = inSession(machine(), undefined, async (session) => {
      const before = await readRemote(session, path);
      writeFileSync(path, 'of somebody else');
      await replaceRemote(session, before, 'after');
    });
    await expect(work).rejects.toMatchObject({ code: 'changed-meanwhile' });
    expect(textOf(destination)).toBe('of somebody else');
    expect(beside(destination)).toEqual([]);
  });

  test('what another process of rotor writes now is waited for, and what a dead one left goes', async () => {
    const destination = place('before');
    const name = fileOf(destination).replace(/([^/]+)$/, '.$1.rotor-0123456789ab');
    writeFileSync(name, 'a value');
    await expect(open().deliver(deliveryOf(destination, 'after'))).rejects.toMatchObject({
      code: 'busy',
    });
    expect(textOf(destination)).toBe('before');
    const longAgo = new Date(Date.now() - 120_000);
    utimesSync(name, longAgo, longAgo);
    await open().deliver(deliveryOf(destination, 'after'));
    expect(textOf(destination)).toBe('after');
    expect(beside(destination)).toEqual([]);
  });

  test('a machine that shows another key than the pinned one is given nothing', async () => {
    const destination = place('before');
    const other = folder.file(randomUUID());
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', other]);
    for (const hostKeyFile of [`${other}.pub`, folder.file('none')])
      await expect(
        open({ hostKeyFile }).deliver(deliveryOf(destination, 'x')),
      ).rejects.toMatchObject({
        code: 'not-permitted',
        message: expect.stringMatching(/none of the keys in hostKeyFile|holds no key/),
      });
    await expect(
      open({ keyFile: other }).deliver(deliveryOf(destination, 'x')),
    ).rejects.toMatchObject({ message: "the machine refuses rotor's user or key" });
    expect(textOf(destination)).toBe('before');
  });

  test('a machine that is away, that says nothing, and that talks too much', async () => {
    const destination = place();
    await expect(open({ port: 1 }).held(destination, [])).rejects.toMatchObject({
      code: 'unreachable',
    });
    const talks = createServer((socket) => {
      socket.on('error', () => undefined).resume();
      socket.write('SSH-2.0-never-told\r\nnever-told never-told\r\n');
    });
    await new Promise<void>((resolve) => talks.listen(0, '127.0.0.1', resolve));
    const { port } = talks.address() as AddressInfo;
    const delivery = {
      ...deliveryOf(destination, 'never-told'),
      signal: AbortSignal.timeout(1_000),
    };
    const told = await toldBy(open({ port }).deliver(delivery));
    expect(told).toContain('AdapterError');
    expect(told).not.toContain('never-told');
    talks.close();
  });

  test('a killed connection changes nothing', async () => {
    const destination = place('before');
    const delivery = { ...deliveryOf(destination, 'x'), signal: AbortSignal.abort() };
    await expect(open().deliver(delivery)).rejects.toMatchObject({ code: 'timed-out' });
    expect(textOf(destination)).toBe('before');
  });

  test.each(['', 'ends with a line break\n', 'x'.repeat(256 * 1024 + 1)])(
    'a value that the file would not give back is refused',
    async (text) => {
      const destination = place('before');
      await expect(open().deliver(deliveryOf(destination, text))).rejects.toMatchObject({
        code: 'refused',
      });
      expect(textOf(destination)).toBe('before');
    },
  );

  test('what is no file of text, no machine and no path is said', async () => {
    const destination = place();
    writeFileSync(fileOf(destination), Buffer.from([0xff, 0xfe]));
    const directory = destinationAt({ machine: 'app', file: folder.file('root/folder') });
    mkdirSync(fileOf(directory));
    for (const one of [destination, directory])
      await expect(open().deliver(deliveryOf(one, 'x'))).rejects.toMatchObject({
        code: 'invalid-destination',
      });
    const nowhere = destinationAt({ ...destination.address, machine: 'other' });
    await expect(open().held(nowhere, [])).rejects.toMatchObject({ code: 'not-permitted' });
    for (const file of ['relative', '/a/../b', '/a//b', '/a\nb'])
      expect(sshFile.address.safeParse({ machine: 'app', file }).success).toBe(false);
  });
});
