import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { systemdCredential } from '../../connectors/systemd-credential/index.js';
import type { Connector, Destination } from '../../domain/connector.js';
import { holdToConnectorContract } from '../contracts/hold-to-connector.js';
import { toldBy } from '../issuers/leaking-server.js';
import { targetPatience } from '../targets/client.js';
import { aptProgram } from '../targets/obtain/apt.js';
import { machineSources } from '../targets/obtain/sources.js';
import { deliveryOf, destinationAt, newFolder, type Folder } from './places.js';
import { script } from './programs.js';

let tools: Folder;
let creds: string;
beforeAll(async () => {
  tools = newFolder();
  const sources = machineSources(tools.path, new AbortController().signal);
  const wanted = { target: 'systemd-creds', name: 'systemd', program: 'systemd-creds' };
  const program = await aptProgram(sources, wanted);
  // A key of the test's own: that of the machine is left alone, and need not be readable.
  const key = `SYSTEMD_CREDENTIAL_SECRET=${tools.file('key')}`;
  creds = script(tools, 'systemd-creds', `${key} exec ${program} "$@" 2>${tools.file('log')}`);
}, targetPatience);
afterAll(() => tools.remove());

let folder: Folder;
let restarts: string;
beforeEach(() => {
  folder = newFolder();
  restarts = folder.file('restarts');
  mkdirSync(folder.file('store'));
});
afterEach(() => folder.remove());

function open(more: object = {}): Connector {
  const options = {
    roots: [folder.file('store')],
    units: ['billing.service'],
    key: 'host',
    systemdCreds: creds,
    systemctl: script(folder, 'systemctl', `echo "$@" >>${restarts}`),
    ...more,
  };
  return systemdCredential.open(systemdCredential.options.parse(options));
}

function place(more: object = {}): Destination {
  const file = folder.file(`store/${randomUUID()}`);
  return destinationAt({ file, name: 'db', unit: 'billing.service', ...more });
}

const fileOf = ({ address }: Destination): string => String(address['file']);

/** As systemd does it for a unit. */
function decrypted(destination: Destination, name = 'db'): string {
  const args = ['decrypt', '--newline=no', `--name=${name}`, fileOf(destination), '-'];
  return execFileSync(creds, args, { encoding: 'utf8' });
}

function encrypt(destination: Destination, text: string): void {
  const args = ['encrypt', '--with-key=host', '--name=db', '-', '-'];
  writeFileSync(fileOf(destination), execFileSync(creds, args, { input: text }));
}

const restarted = (): string[] =>
  existsSync(restarts) ? readFileSync(restarts, 'utf8').trim().split('\n') : [];

const dueBeside = (destination: Destination): string =>
  fileOf(destination).replace(/([^/]+)$/, '.$1.restart-due');

holdToConnectorContract('systemd-credential', () =>
  Promise.resolve({
    connector: open(),
    place: () => Promise.resolve(place()),
    absent: () => Promise.resolve(place({ file: folder.file('store/missing/db') })),
    plant: (destination, text) => Promise.resolve(encrypt(destination, text)),
    close: () => Promise.resolve(),
  }),
);

describe('systemd-credential', () => {
  test('writes what systemd opens for the unit, and restarts it each time', async () => {
    const destination = place();
    await open().deliver(deliveryOf(destination, 'the value'));
    expect(decrypted(destination)).toBe('the value');
    expect(statSync(fileOf(destination)).mode & 0o777).toBe(0o600);
    expect(readFileSync(fileOf(destination), 'utf8')).not.toContain('the value');
    expect(restarted()).toEqual(['restart --no-ask-password billing.service']);
    expect(existsSync(dueBeside(destination))).toBe(false);
    await open().deliver(deliveryOf(destination, 'the next one'));
    expect(decrypted(destination)).toBe('the next one');
    expect(restarted()).toHaveLength(2);
  });

  test('gives it the name of the file where no other is said, and restarts nothing where no unit is', async () => {
    const destination = destinationAt({ file: folder.file('store/token') });
    await open().deliver(deliveryOf(destination, 'x'));
    expect(decrypted(destination, 'token')).toBe('x');
    expect(restarted()).toEqual([]);
  });

  test('restarts once it is looked at, where a kill came between the write and the restart', async () => {
    const destination = place();
    const fails = script(folder, 'fails', 'exit 1');
    const one = deliveryOf(destination, 'x');
    await expect(open({ systemctl: fails }).deliver(one)).rejects.toMatchObject({
      code: 'refused',
      message: 'systemctl restart billing.service failed (exit code 1)',
    });
    expect(decrypted(destination)).toBe('x');
    expect(existsSync(dueBeside(destination))).toBe(true);
    await expect(open({ systemctl: fails }).held(destination, [one.version])).rejects.toMatchObject(
      {
        code: 'refused',
      },
    );
    const { versionIds } = await open().held(destination, [one.version]);
    expect(versionIds).toEqual([one.version.versionId]);
    expect(restarted()).toHaveLength(1);
    expect(existsSync(dueBeside(destination))).toBe(false);
  });

  test('leaves an empty credential when it is withdrawn', async () => {
    const destination = place();
    const one = deliveryOf(destination, 'x');
    await open().deliver(one);
    await open().withdraw(one);
    await open().withdraw(one);
    expect(decrypted(destination)).toBe('');
    expect(restarted()).toHaveLength(2);
  });

  test('does not write over what does not open, as that of another name or machine', async () => {
    const destination = place();
    encrypt(destination, 'of another');
    const before = readFileSync(fileOf(destination), 'utf8');
    const other = destinationAt({ ...destination.address, name: 'other' });
    for (const work of [open().deliver(deliveryOf(other, 'x')), open().held(other, [])])
      await expect(work).rejects.toMatchObject({ code: 'refused' });
    rmSync(tools.file('key'));
    await expect(open().deliver(deliveryOf(destination, 'x'))).rejects.toMatchObject({
      code: 'refused',
    });
    expect(readFileSync(fileOf(destination), 'utf8')).toBe(before);
  });

  test('puts nothing that could not be read back', async () => {
    const destination = place();
    const lies = script(
      tools,
      'lies',
      `case $1 in encrypt) cat >/dev/null; echo closed ;; *) printf other ;; esac`,
    );
    const connector = open({ systemdCreds: lies });
    const told = await toldBy(connector.deliver(deliveryOf(destination, 'never-told')));
    expect(told).toContain('does not give back what it encrypts');
    expect(told).not.toContain('never-told');
    expect(existsSync(fileOf(destination))).toBe(false);
  });

  test('what its programs say is told to nobody', async () => {
    const destination = place();
    const talks = script(tools, 'talks', 'cat; cat >&2; echo never-told >&2; exit 1');
    const connector = open({ systemdCreds: talks });
    const told = await toldBy(connector.deliver(deliveryOf(destination, 'never-told')));
    expect(told).toContain('refused');
    expect(told).not.toContain('never-told');
  });

  test('what somebody changes meanwhile is not overwritten', async () => {
    const destination = place();
    const connector = open();
    await connector.deliver(deliveryOf(destination, 'before'));
    const theirs = folder.file('theirs');
    encrypt(destination, 'of somebody else');
    writeFileSync(theirs, readFileSync(fileOf(destination)));
    encrypt(destination, 'before');
    const meanwhile = script(
      tools,
      'meanwhile',
      `[ "$1" = decrypt ] || cp ${theirs} ${fileOf(destination)}\nexec ${creds} "$@"`,
    );
    await expect(
      open({ systemdCreds: meanwhile }).deliver(deliveryOf(destination, 'x')),
    ).rejects.toMatchObject({ code: 'changed-meanwhile' });
    expect(decrypted(destination)).toBe('of somebody else');
  });

  test.each(['', 'x'.repeat(40 * 1024 + 1), 'no \uFFFD text'])(
    'a value that it cannot hold is refused',
    async (text) => {
      const destination = place();
      await expect(open().deliver(deliveryOf(destination, text))).rejects.toMatchObject({
        code: 'refused',
      });
      expect(existsSync(fileOf(destination))).toBe(false);
    },
  );

  test('a unit that is not listed, a path outside and a program that is not there are refused', async () => {
    const refused = { code: 'not-permitted' };
    const other = deliveryOf(place({ unit: 'sshd.service' }), 'x');
    await expect(open().deliver(other)).rejects.toMatchObject(refused);
    const outside = deliveryOf(place({ file: folder.file('outside') }), 'x');
    await expect(open().deliver(outside)).rejects.toMatchObject(refused);
    await expect(
      open({ systemdCreds: '/nowhere/systemd-creds' }).deliver(deliveryOf(place(), 'x')),
    ).rejects.toMatchObject({ code: 'not-found' });
    for (const address of [
      { file: 'relative' },
      { file: '/x', name: '..' },
      { file: '/x', unit: '-x' },
    ])
      expect(systemdCredential.address.safeParse(address).success).toBe(false);
  });
});
