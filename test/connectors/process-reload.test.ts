import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { dotenv } from '../../connectors/dotenv/index.js';
import { jsonFile } from '../../connectors/json-file/index.js';
import { processReload } from '../../connectors/process-reload/index.js';
import { parsePs } from '../../connectors/process-reload/running.js';
import { yamlFile } from '../../connectors/yaml-file/index.js';
import type { Connector } from '../../domain/connector.js';
import { processIdentity } from '../../infra/embedded/process-identity.js';
import { holdToConnectorContract } from '../contracts/hold-to-connector.js';
import { deliveryOf, destinationAt, newFolder, type Folder } from './places.js';
import { script } from './programs.js';

const kind = processReload([dotenv, jsonFile, yamlFile]);
const nobody = 65_534;
const systemctlThatNotes = 'echo "$*" >>"$(dirname "$0")/told"';
const unit = { unit: 'billing.service' };

function optionsOf(folder: Folder, more: Record<string, unknown> = {}) {
  mkdirSync(folder.file('run'), { recursive: true });
  mkdirSync(folder.file('srv'), { recursive: true });
  return kind.options.parse({
    roots: [folder.file('srv')],
    pidRoots: [folder.file('run')],
    units: ['billing.service', 'other.service'],
    systemctl: folder.file('systemctl'),
    ...more,
  });
}

function place(folder: Folder, processes: readonly unknown[], more: Record<string, unknown> = {}) {
  const address = { file: folder.file('srv/env'), variable: 'X', ...more };
  return destinationAt({ file: { connector: 'dotenv', address }, processes });
}

holdToConnectorContract('process-reload', () => {
  const folder = newFolder();
  const options = optionsOf(folder);
  script(folder, 'systemctl', systemctlThatNotes);
  const list = (file: string) => place(folder, [unit], { file, separator: ',' });
  return Promise.resolve({
    connector: kind.open(options),
    place: () => {
      const file = folder.file(`srv/${randomUUID()}`);
      writeFileSync(file, '');
      return Promise.resolve(list(file));
    },
    absent: () => Promise.resolve(list(folder.file('srv/missing'))),
    plant: ({ address }, text) => {
      const { file } = (address as { file: { address: { file: string } } }).file.address;
      writeFileSync(file, `X=${text}\n`);
      return Promise.resolve();
    },
    close: () => {
      folder.remove();
      return Promise.resolve();
    },
  });
});

describe('process-reload', () => {
  let folder: Folder;
  let file: string;
  let connector: Connector;
  beforeEach(() => {
    folder = newFolder();
    connector = kind.open(optionsOf(folder));
    script(folder, 'systemctl', systemctlThatNotes);
    file = folder.file('srv/env');
    writeFileSync(file, 'X=old\n');
  });
  afterEach(() => {
    folder.remove();
  });

  const told = () =>
    existsSync(folder.file('told'))
      ? readFileSync(folder.file('told'), 'utf8').split('\n').slice(0, -1)
      : [];
  const notes = () => readdirSync(folder.file('srv')).filter((name) => name !== 'env');
  const holdsNew = () => expect(readFileSync(file, 'utf8')).toBe('X=new\n');

  describe('a unit', () => {
    test('is reloaded after each delivery, also of what was there already', async () => {
      const delivery = deliveryOf(place(folder, [unit]), 'new');
      await connector.deliver(delivery);
      await connector.deliver(delivery);
      const restart = { ...unit, action: 'restart' };
      await connector.deliver(deliveryOf(place(folder, [restart]), 'new'));
      const [reload, restarted] = ['reload', 'restart'].map(
        (it) => `${it} --no-ask-password billing.service`,
      );
      expect(told()).toEqual([reload, reload, restarted]);
      expect(notes()).toEqual([]);
    });

    test('is told by whoever looks next, once, where rotor is killed before it is told', async () => {
      const destination = place(folder, [unit]);
      script(folder, 'killing', 'kill -9 $PPID');
      const options = optionsOf(folder, { systemctl: folder.file('killing') });
      const order = { kind: kind.kind, options, address: destination.address, size: 3 };
      const program = join(import.meta.dirname, 'connector-process.js');
      const killed = spawnSync(process.execPath, [program, JSON.stringify(order)]);
      expect([killed.signal, String(killed.stdout)]).toEqual(['SIGKILL', 'ready\n']);
      expect(readFileSync(file, 'utf8')).toBe('X=bbb\n');
      expect([told().length, notes().length]).toEqual([0, 1]);
      const [note = ''] = notes();
      expect(readFileSync(folder.file(`srv/${note}`), 'utf8')).toMatch(/^\d+ \d+$/);
      const { version } = deliveryOf(destination, 'bbb');
      for (let time = 0; time < 2; time += 1) {
        const held = await connector.held(destination, [version]);
        expect(held.versionIds).toEqual([version.versionId]);
        expect([told().length, notes()]).toEqual([1, []]);
      }
    });

    test('is not told of a change that never came', async () => {
      const destination = place(folder, [unit]);
      const delivery = deliveryOf(destination, 'all " and \' and ` over two\nlines');
      await expect(connector.deliver(delivery)).rejects.toMatchObject({ code: 'refused' });
      expect([told(), notes()]).toEqual([[], []]);
      await connector.held(destination, []);
      expect(told()).toEqual([]);
    });

    test('is told when an old value leaves a list, and not where nothing leaves', async () => {
      const destination = place(folder, [unit], { separator: ',' });
      const old = deliveryOf(destination, 'old');
      await connector.deliver(deliveryOf(destination, 'new'));
      expect(readFileSync(file, 'utf8')).toBe('X=new,old\n');
      await connector.forget(old);
      expect([told().length, readFileSync(file, 'utf8')]).toEqual([2, 'X=new\n']);
      await connector.forget(old);
      await connector.forget(deliveryOf(place(folder, [unit]), 'new'));
      expect([told().length, notes()]).toEqual([2, []]);
    });

    test('is told though another process cannot be', async () => {
      const gone = { pidFile: folder.file('run/gone.pid') };
      const delivery = deliveryOf(place(folder, [gone, unit]), 'new');
      await expect(connector.deliver(delivery)).rejects.toMatchObject({ code: 'unreachable' });
      holdsNew();
      expect(told()).toHaveLength(1);
    });

    test.each([
      ['is missing', undefined, 'not-found'],
      ['fails', 'exit 1', 'refused'],
      ['may not', 'exit 4', 'not-permitted'],
      ['does not know the unit', 'exit 5', 'not-found'],
      ['does not end', 'exec sleep 600', 'timed-out'],
    ])('systemctl %s: the file is written, and the unit is told later', async (...row) => {
      const [, lines, code] = row;
      const path = lines === undefined ? folder.file('missing') : script(folder, 'failing', lines);
      const timeoutMs = code === 'timed-out' ? 300 : 20_000;
      const failing = kind.open(optionsOf(folder, { systemctl: path, timeoutMs }));
      const destination = place(folder, [unit]);
      await expect(failing.deliver(deliveryOf(destination, 'new'))).rejects.toMatchObject({ code });
      holdsNew();
      await expect(failing.held(destination, [])).rejects.toMatchObject({ code });
      await connector.held(destination, []);
      expect([told().length, notes()]).toEqual([1, []]);
    });

    test('that is not allowed is refused before the file is written, and cannot be declared', async () => {
      const destination = place(folder, [{ unit: 'sshd.service' }]);
      const refusal = { code: 'not-permitted' };
      await expect(connector.deliver(deliveryOf(destination, 'new'))).rejects.toMatchObject(
        refusal,
      );
      await expect(connector.held(destination, [])).rejects.toMatchObject(refusal);
      expect(readFileSync(file, 'utf8')).toBe('X=old\n');
      const address = kind.address.parse(destination.address);
      expect(() => kind.identity(address, optionsOf(folder))).toThrow(
        expect.objectContaining(refusal),
      );
    });
  });

  describe('a process', () => {
    /** Notes each signal, with what the file holds at that moment. */
    let child: ReturnType<typeof spawn>;
    let pidFile: string;
    beforeEach(async () => {
      const lines = `
        note() { echo "$1 $(cat ${file})" >>${folder.file('told')}; }
        trap 'note HUP' HUP; trap 'note USR1' USR1
        echo ready; while :; do sleep 0.02; done`;
      child = spawn('/bin/sh', ['-c', lines], { stdio: ['ignore', 'pipe', 'inherit'] });
      if (child.stdout !== null) await once(child.stdout, 'data');
      pidFile = folder.file('run/billing.pid');
      writeFileSync(pidFile, `${String(child.pid)}\n`, { mode: 0o644 });
    });
    afterEach(() => {
      child.kill('SIGKILL');
    });

    async function toldOnce(): Promise<string[]> {
      for (let tries = 0; tries < 1_000 && told().length === 0; tries += 1) await wait(10);
      return told();
    }

    const deliver = (more: Record<string, unknown> = {}) =>
      connector.deliver(deliveryOf(place(folder, [{ pidFile, ...more }]), 'new'));

    test('gets its signal once the file is written', async () => {
      await deliver({ command: 'sh', user: process.getuid?.() });
      expect(await toldOnce()).toEqual(['HUP X=new']);
      expect(notes()).toEqual([]);
    });

    test('gets the signal that is asked for', async () => {
      await deliver({ signal: 'SIGUSR1' });
      expect(await toldOnce()).toEqual(['USR1 X=new']);
    });

    test('that does not run yet is told when it does', async () => {
      writeFileSync(folder.file('run/later.pid'), '');
      const later = { pidFile: folder.file('run/later.pid') };
      const destination = place(folder, [later]);
      appendFileSync(later.pidFile, '999999999\n');
      await expect(connector.deliver(deliveryOf(destination, 'new'))).rejects.toMatchObject({
        code: 'unreachable',
      });
      await expect(connector.held(destination, [])).rejects.toMatchObject({ code: 'unreachable' });
      writeFileSync(later.pidFile, String(child.pid));
      await connector.held(destination, []);
      expect(await toldOnce()).toEqual(['HUP X=new']);
    });

    test('that is dead, though nobody has waited for it', async () => {
      const parent = spawn('/bin/sh', ['-c', 'sleep 0 & echo $!; exec sleep 600'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [pid] = (await once(parent.stdout, 'data')) as [Buffer];
      writeFileSync(pidFile, pid);
      const isGone = () => processIdentity(Number(pid)) === undefined;
      for (let tries = 0; tries < 500 && !isGone(); tries += 1) await wait(10);
      try {
        await expect(deliver()).rejects.toMatchObject({ code: 'unreachable' });
      } finally {
        parent.kill('SIGKILL');
      }
    });

    test.each([
      ['is missing', undefined, 'unreachable'],
      ['is empty', '', 'invalid-destination'],
      ['names no number', 'billing', 'invalid-destination'],
      ['names every process', '-1', 'invalid-destination'],
      ['names its own group', '0', 'invalid-destination'],
      ['names the first process', '1', 'invalid-destination'],
      ['names rotor', String(process.pid), 'invalid-destination'],
    ])('a pid file that %s', async (...row) => {
      const [, text, code] = row;
      const other = folder.file('run/other.pid');
      if (text !== undefined) writeFileSync(other, text, { mode: 0o644 });
      await expect(deliver({ pidFile: other })).rejects.toMatchObject({ code });
      holdsNew();
      expect(told()).toEqual([]);
    });

    test.each([
      ['runs as another user', { user: 12_345 }, 'not-ours'],
      ['is another program', { command: 'billing' }, 'not-ours'],
      ['has a user that nobody knows', { user: 'no-such-user' }, 'invalid-destination'],
    ])('one that %s is left alone', async (_, more, code) => {
      await expect(deliver(more)).rejects.toMatchObject({ code });
      expect(told()).toEqual([]);
    });

    test('a pid file that others may write, or outside of its roots, is not believed', async () => {
      for (const mode of [0o664, 0o646]) {
        chmodSync(pidFile, mode);
        await expect(deliver()).rejects.toMatchObject({ code: 'not-permitted' });
      }
      holdsNew();
      writeFileSync(file, 'X=old\n');
      writeFileSync(folder.file('outside.pid'), String(child.pid));
      symlinkSync(folder.file('outside.pid'), folder.file('run/link.pid'));
      for (const name of ['outside.pid', 'run/link.pid', 'run/../outside.pid']) {
        const outside = deliver({ pidFile: folder.file(name) });
        await expect(outside).rejects.toMatchObject({ code: 'not-permitted' });
      }
      expect([told(), readFileSync(file, 'utf8')]).toEqual([[], 'X=old\n']);
    });

    test('a process of another user, and a pid file that cannot be read', () => {
      const isRoot = process.getuid?.() === 0;
      for (const path of [folder.path, folder.file('srv'), folder.file('run')])
        chmodSync(path, 0o777);
      if (isRoot) chownSync(file, nobody, nobody);
      const address = place(folder, [{ pidFile }]).address;
      const order = { kind: kind.kind, options: optionsOf(folder), address, size: 3, user: nobody };
      const program = join(import.meta.dirname, 'connector-process.js');
      const run = () =>
        String(spawnSync(process.execPath, [program, JSON.stringify(order)]).stdout);
      expect(run()).toBe(`ready\n${isRoot ? 'not-permitted' : 'delivered'}\n`);
      chmodSync(pidFile, 0o200);
      expect(run()).toBe('ready\nnot-permitted\n');
    });
  });

  test('what ps says, where there is no /proc', () => {
    expect(parsePs('')).toBeUndefined();
    expect(parsePs('  501 Z    (sleep)\n')).toBeUndefined();
    const running = parsePs('  501 Ss+  /usr/local/bin/my billing\n');
    expect([running?.user, running?.isNamed('my billing'), running?.isNamed('billing')]).toEqual([
      501,
      true,
      false,
    ]);
  });

  test('is the place of the file, whoever reads it', () => {
    const options = optionsOf(folder);
    symlinkSync(file, folder.file('srv/link'));
    const identities = [
      place(folder, [unit]),
      place(folder, [{ pidFile: folder.file('run/x.pid') }], { file: folder.file('srv/link') }),
    ].map(({ address }) => kind.identity(kind.address.parse(address), options));
    expect(identities).toEqual([`${file}#X`, `${file}#X`]);
  });

  test.each(['json-file', 'yaml-file'])('writes a %s too', async (name) => {
    writeFileSync(file, '{"a": "old"}');
    const address = { file, pointer: '/a' };
    const destination = destinationAt({ file: { connector: name, address }, processes: [unit] });
    await connector.deliver(deliveryOf(destination, 'new'));
    expect([readFileSync(file, 'utf8'), told().length]).toEqual(['{"a": "new"}', 1]);
  });

  const sound = { connector: 'dotenv', address: { file: '/x', variable: 'X' } };
  test.each([
    [{ file: sound, processes: [] }],
    [{ file: sound, processes: [{}] }],
    [{ file: sound, processes: [{ pidFile: '/x', signal: 'SIGKILL' }] }],
    [{ file: sound, processes: [{ pidFile: 'x' }] }],
    [{ file: sound, processes: [{ pidFile: '/x', unit: 'a.service' }] }],
    [{ file: sound, processes: [{ unit: '--root=/x' }] }],
    [{ file: sound, processes: [{ unit: 'a.service', action: 'stop' }] }],
    [{ file: { ...sound, connector: 'webhook' }, processes: [unit] }],
    [{ file: { ...sound, address: { file: '/x' } }, processes: [unit] }],
  ])('%j is no address', (address) => {
    expect(kind.address.safeParse(address).success).toBe(false);
  });
});
