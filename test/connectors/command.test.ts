import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { command } from '../../connectors/command/index.js';
import type { Connector } from '../../domain/connector.js';
import { SecretValue } from '../../domain/secret-value.js';
import { processIdentity } from '../../infra/embedded/process-identity.js';
import { holdToConnectorContract } from '../contracts/hold-to-connector.js';
import { deliveryOf, destinationAt, newFolder, type Folder } from './places.js';
import { exampleOfReadme, listProgram, script } from './programs.js';

const contracts = [
  { name: 'the example of the README', text: exampleOfReadme(), holdsSeveral: false },
  { name: 'a list', text: listProgram, holdsSeveral: true },
];

for (const { name, text, holdsSeveral } of contracts) {
  holdToConnectorContract(`command, ${name}`, () => {
    const folder = newFolder();
    mkdirSync(folder.file('values'));
    const executable = script(folder, 'program', text);
    const kept = { executable, arguments: [folder.file('values')], holdsSeveral };
    const lost = { ...kept, arguments: [folder.file('missing')] };
    const place = (it: string) => destinationAt({ command: it, destination: randomUUID() });
    return Promise.resolve({
      connector: command.open(command.options.parse({ commands: { kept, lost } })),
      place: () => Promise.resolve(place('kept')),
      absent: () => Promise.resolve(place('lost')),
      plant: ({ address }, value) => {
        const planted = holdsSeveral ? `${Buffer.from(value).toString('base64')}\n` : value;
        writeFileSync(folder.file(`values/${String(address['destination'])}`), planted);
        return Promise.resolve();
      },
      close: () => {
        folder.remove();
        return Promise.resolve();
      },
    });
  });
}

describe('command', () => {
  let folder: Folder;
  beforeEach(() => {
    folder = newFolder();
  });
  afterEach(() => {
    folder.remove();
  });

  function openWith(executable: string, more: Record<string, unknown> = {}): Connector {
    const own = { executable, arguments: [folder.path], ...more };
    return command.open(command.options.parse({ commands: { own } }));
  }

  const place = destinationAt({ command: 'own', destination: 'acme/billing.api' });
  const running = (lines: string, more?: Record<string, unknown>) =>
    openWith(script(folder, randomUUID(), lines), more);
  const deliver = (connector: Connector, text = 'never-told') =>
    connector.deliver(deliveryOf(place, text));

  test('gets the value on standard input, its arguments, a PATH and what is configured, and no more', async () => {
    const delivery = deliveryOf(place, 'the\nvalue ');
    const lines =
      'cat >"$1/input"; pwd >"$1/cwd"; env >"$1/env"; shift; printf "%s|" "$@" >"$NOTE"';
    const environment = { NOTE: folder.file('note') };
    await running(lines, { arguments: [folder.path, '--flag'], environment }).deliver(delivery);
    const told = (name: string) => readFileSync(folder.file(name), 'utf8');
    expect(told('input')).toBe('the\nvalue ');
    expect(told('note')).toBe(`--flag|deliver|acme/billing.api|${delivery.version.versionId}|`);
    expect(told('cwd')).toBe('/\n');
    const names = told('env').match(/^\w+(?==)/gm) ?? [];
    const ofShell = ['PWD', 'OLDPWD', 'SHLVL', '_'];
    expect(names.filter((name) => !ofShell.includes(name)).sort()).toEqual(['NOTE', 'PATH']);
  });

  test('is made to use what it holds where it says that it can, without any value', async () => {
    const lines = 'cat >"$1/input"; shift; printf "%s|" "$@" >"$NOTE"';
    const more = { environment: { NOTE: folder.file('note') } };
    const { signal } = deliveryOf(place, 'x');
    await running(lines, more).exercise?.(place, signal);
    expect(existsSync(folder.file('note'))).toBe(false);
    await running(lines, { ...more, exercises: true }).exercise?.(place, signal);
    expect(readFileSync(folder.file('note'), 'utf8')).toBe('exercise|acme/billing.api|');
    expect(readFileSync(folder.file('input'), 'utf8')).toBe('');
    await expect(
      running('exit 75', { exercises: true }).exercise?.(place, signal),
    ).rejects.toMatchObject({ code: 'unreachable' });
  });

  test.each([
    ['1', 'refused'],
    ['75', 'unreachable'],
    ['77', 'not-permitted'],
    ['66', 'not-found'],
  ])('exit code %s is %s, and nothing that it said is told', async (exitCode, code) => {
    const connector = running(`tee /dev/stderr; exit ${exitCode}`);
    const reason: unknown = await deliver(connector).catch((error: unknown) => error);
    expect(reason).toMatchObject({
      code,
      message: `the command own (deliver) ended with exit code ${exitCode}`,
    });
    expect(inspect(reason, { depth: 9 })).not.toContain('never-told');
  });

  test('ended by a signal', async () => {
    await expect(deliver(running('kill -9 $$'))).rejects.toMatchObject({ code: 'unreachable' });
  });

  test('a value that is not read, however large', async () => {
    await deliver(running('exit 0'), 'x'.repeat(3_000_000));
  });

  async function gone(name: string): Promise<boolean> {
    const pid = Number(readFileSync(folder.file(name), 'utf8'));
    const isGone = () => processIdentity(pid) === undefined;
    for (let tries = 0; tries < 500 && !isGone(); tries += 1) await wait(20);
    return pid > 1 && isGone();
  }

  test('past its time it is ended with all that it started, even where it does not listen', async () => {
    const lines =
      'trap "" TERM; sleep 600 >/dev/null & echo $! >"$1/child"; echo $$ >"$1/self"; while :; do sleep 1; done';
    const late = deliver(running(lines, { timeoutMs: 1_000 }));
    await expect(late).rejects.toMatchObject({ code: 'timed-out' });
    expect([await gone('self'), await gone('child')]).toEqual([true, true]);
  });

  test('where rotor is stopped it is asked to end', async () => {
    const lines =
      'trap "echo ended >$1/note; exit 0" TERM; echo $$ >"$1/self"; while :; do sleep 0.05; done';
    const stop = new AbortController();
    const work = running(lines).deliver({ ...deliveryOf(place, 'x'), signal: stop.signal });
    for (let tries = 0; tries < 500 && !existsSync(folder.file('self')); tries += 1) await wait(20);
    stop.abort();
    await expect(work).rejects.toMatchObject({ code: 'timed-out' });
    expect(existsSync(folder.file('note'))).toBe(true);
    const never = running('echo >"$1/started"').deliver({
      ...deliveryOf(place, 'x'),
      signal: stop.signal,
    });
    await expect(never).rejects.toMatchObject({ code: 'timed-out' });
    expect(existsSync(folder.file('started'))).toBe(false);
  });

  test('what it leaves running ends with it', async () => {
    const held = await running(
      'sleep 600 >/dev/null & echo $! >"$1/child"; echo \'{"values": []}\'',
    ).held(place, []);
    expect(held.versionIds).toEqual([]);
    expect(await gone('child')).toBe(true);
  });

  test.each([
    ['nothing', ':'],
    ['no JSON', 'echo never-told'],
    ['a value alone', `echo '"never-told"'`],
    ['a list alone', `echo '["never-told"]'`],
    ['a number', `echo '{"values": [1]}'`],
    ['two forms at once', `echo '{"values": [], "versions": []}'`],
    ['base64 that is none', `echo '{"base64": ["never-told!"]}'`],
    ['bytes that are no text', `echo '{"base64": ["/w=="]}'`],
    ['two values in a place of one', `echo '{"values": ["never-told", "b"]}'`],
    ['more than 64 KiB', 'while :; do echo never-told; done'],
  ])('bad replies: %s', async (_, lines) => {
    const reason: unknown = await running(lines)
      .held(place, [])
      .catch((error: unknown) => error);
    expect(reason).toMatchObject({ code: 'bad-reply' });
    expect(inspect(reason, { depth: 9 })).not.toContain('never-told');
  });

  test('a place that cannot be read back says which versions it was given', async () => {
    const lines =
      'case $2 in deliver) echo "$4" >"$1/version";; held) printf \'{"versions": ["%s"]}\' "$(cat "$1/version")";; esac';
    const connector = running(lines);
    const delivery = deliveryOf(place, 'value');
    const other = { versionId: randomUUID(), value: new SecretValue('other') };
    await connector.deliver(delivery);
    expect(await connector.held(place, [other, delivery.version])).toEqual({
      versionIds: [delivery.version.versionId],
      unknown: [],
      attests: undefined,
    });
    expect((await connector.held(place, [other])).versionIds).toEqual([]);
  });

  test('is never asked to forget where the place is no list', async () => {
    const connector = running('exit 1');
    await connector.forget(deliveryOf(place, 'x'));
    await expect(
      running('exit 1', { holdsSeveral: true }).forget(deliveryOf(place, 'x')),
    ).rejects.toMatchObject({ code: 'refused' });
  });

  test('programs that are missing, are folders, cannot be run, or that others may write', async () => {
    const program = script(folder, 'program', 'exit 0');
    const link = folder.file('link');
    symlinkSync(program, link);
    await deliver(openWith(link));
    writeFileSync(folder.file('plain'), '#!/bin/sh\n', { mode: 0o600 });
    writeFileSync(folder.file('broken'), '#!/missing\n', { mode: 0o700 });
    for (const name of ['plain', 'broken', '.']) {
      await expect(deliver(openWith(folder.file(name)))).rejects.toMatchObject({
        code: 'not-permitted',
      });
    }
    await expect(deliver(openWith(folder.file('missing')))).rejects.toMatchObject({
      code: 'not-found',
    });
    for (const mode of [0o720, 0o702]) {
      chmodSync(program, mode);
      await expect(deliver(openWith(link))).rejects.toMatchObject({ code: 'not-permitted' });
    }
  });

  test('a command that is not configured cannot be declared', () => {
    const options = command.options.parse({ commands: { own: { executable: '/bin/true' } } });
    for (const name of ['other', 'constructor', '__proto__']) {
      expect(() => command.identity({ command: name, destination: 'x' }, options)).toThrow(
        expect.objectContaining({ code: 'not-permitted' }),
      );
    }
    expect(command.identity({ command: 'own', destination: 'x' }, options)).toBe('own#x');
  });

  test.each([
    '',
    '-x',
    '--option',
    'a/-x',
    '../x',
    'a/../b',
    'a/.b',
    '/a',
    'a/',
    'a//b',
    'a b',
    'a\nb',
    'a;b',
    '$a',
    'a=b',
  ])('%j is no destination', (destination) => {
    expect(command.address.safeParse({ command: 'own', destination }).success).toBe(false);
  });

  test.each([
    { executable: 'program' },
    { executable: '/x', timeoutMs: 0 },
    { executable: '/x', environment: { 'A B': '' } },
    { executable: '/x', shell: true },
  ])('%j is no command', (own) => {
    expect(command.options.safeParse({ commands: { own } }).success).toBe(false);
  });
});
