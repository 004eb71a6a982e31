import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { SecretValue } from '../../domain/secret-value.js';
import { readKeyFile } from '../../infra/key-file.js';
import { openSealedStore } from '../../stores/sealed/index.js';
import { rotorIn, type Said } from '../product/rotor.js';
import {
  eventually,
  openInstallation,
  openSecret,
  type Installation,
  type UsedSecret,
} from './installation.js';

let installation: Installation;
let secret: UsedSecret;
let keyFile: string;

beforeAll(async () => {
  installation = await openInstallation();
  installation.start('api');
  installation.start('worker');
  await installation.ready();
  secret = await openSecret(installation, 'shop');
  keyFile = installation.environment.ROTOR_KEY_FILE;
});
afterAll(async () => {
  await secret.stop();
  await installation.close();
});

function rekey(args: readonly string[] = [], killAt?: string): Promise<Said> {
  if (killAt !== undefined) installation.killAt(killAt);
  return rotorIn(installation)(['rekey', ...args, '--json'], { env: installation.environment });
}

interface State {
  readonly kid: string;
  readonly does: string;
  readonly values: number;
}

function statesIn({ out }: Said): readonly State[] {
  return (JSON.parse(out) as { keys: State[] }).keys;
}

async function rotate(): Promise<void> {
  const runId = await secret.ask('rotate');
  await eventually(async () => (await secret.run(runId))['outcome'] === 'succeeded');
}

/** More than one batch; of versions that nobody has, but a value is a value. */
async function fill(): Promise<readonly string[]> {
  const store = openSealedStore({
    database: installation.database.pool,
    keys: readKeyFile(keyFile).sealing,
  });
  const ids = Array.from({ length: 450 }, () => randomUUID());
  await Promise.all(ids.map((id) => store.put(id, new SecretValue(id))));
  return ids;
}

test('rekey is killed at every step while a secret is rotated: it goes on, and no value is lost', async () => {
  const ids = await fill();
  const [old] = statesIn(await rekey(['status']));
  const steps = ['add-noted', 'added', 'promote-noted', 'promoted', 'batch'];
  for (const point of steps.map((step) => `rekey:${step}`))
    expect([point, (await rekey([], point)).code]).toEqual([point, 1]);
  const half = statesIn(await rekey(['status']));
  expect(half).toHaveLength(2);
  expect(half.map(({ values }) => values > 0)).toEqual([true, true]);
  const [done] = await Promise.all([rekey(), rotate(), rotate()]);
  expect(done.code).toBe(0);
  // What a worker sealed before it heard of the new key.
  const states = statesIn(await rekey(['reseal']));
  expect(states.map(({ kid, does }) => [kid, does])).toEqual([
    [half[0]?.kid, 'seals'],
    [old?.kid, 'opens'],
  ]);
  expect(states[1]?.values).toBe(0);

  const unsure = await rekey(['drop']);
  expect([unsure.code, unsure.err]).toEqual([2, expect.stringContaining('confirmation-needed')]);
  expect((await rekey(['drop', '--confirm', 'drop'], 'rekey:dropped')).code).toBe(1);
  const dropped = await rekey(['drop', '--confirm', 'drop']);
  expect([dropped.code, statesIn(dropped).map(({ kid }) => kid)]).toEqual([0, [half[0]?.kid]]);
  await rotate();

  const keys = readKeyFile(keyFile);
  const store = openSealedStore({ database: installation.database.pool, keys: keys.sealing });
  for (const id of ids) expect((await store.get(id))?.reveal()).toBe(id);
  expect(secret.refused).toEqual([]);
  expect(await secret.orphans()).toEqual([]);
});

test('two at once: the second is told so, and adds no key', async () => {
  const other = await installation.database.pool.connect();
  await other.query(`select pg_advisory_lock(hashtext('rotor.rekey'))`);
  const before = readFileSync(keyFile, 'utf8');
  const { code, err } = await rekey(['add']);
  other.release(true);
  expect([code, err]).toEqual([5, expect.stringContaining('rekey-running')]);
  expect(readFileSync(keyFile, 'utf8')).toBe(before);
});

test('on several machines it goes step by step, and a key that is needed is not dropped', async () => {
  const none = await rekey(['promote']);
  expect([none.code, none.err]).toEqual([5, expect.stringContaining('no-pending-key')]);
  const added = statesIn(await rekey(['add']));
  expect(added.map(({ does }) => does)).toEqual(['seals', 'pending']);
  expect((await rekey(['drop', '--confirm', 'drop'])).code).toBe(0);
  const promoted = statesIn(await rekey(['promote']));
  expect(promoted.map(({ kid }) => kid)).toEqual(added.map(({ kid }) => kid).reverse());
  const needed = await rekey(['drop', '--confirm', 'drop']);
  expect([needed.code, needed.err]).toEqual([5, expect.stringContaining('key-in-use')]);
  expect(statesIn(await rekey(['status'])).map(({ kid }) => kid)).toEqual(
    promoted.map(({ kid }) => kid),
  );
  expect((await rekey(['reseal'])).code).toBe(0);
  await rotate();
});

interface KeyEvent {
  readonly change?: string;
  readonly kid?: string;
  readonly kids?: readonly string[];
}

test('each step is in the trail, with no key in it, and what derives from the root is as before', async () => {
  const trail = await rotorIn(installation)(['audit', 'export']);
  const lines = trail.out.trimEnd().split('\n');
  const events = lines.map((line) => (JSON.parse(line) as { event?: KeyEvent }).event ?? {});
  const changed = (wanted: string) =>
    events.flatMap(({ change, kid = '', kids = [kid] }) => (change === wanted ? [...kids] : []));
  const kids = readKeyFile(keyFile)
    .sealing()
    .map(({ kid }) => kid);
  // Both were added and promoted here, the elder of them by a run that was killed right after.
  expect(kids).toHaveLength(2);
  for (const change of ['sealing-key-added', 'sealing-key-promoted', 'values-resealed'])
    expect([change, changed(change)]).toEqual([change, expect.arrayContaining(kids)]);
  expect(new Set(changed('sealing-keys-dropped')).size).toBe(1);
  for (const { key } of JSON.parse(readFileSync(keyFile, 'utf8')).sealing as { key: string }[])
    expect(trail.out).not.toContain(key);
  expect((await rotorIn(installation)(['audit', 'verify'])).code).toBe(0);
  const [value = ''] = secret.values().env;
  const found = await rotorIn(installation)(['identify'], { input: value });
  expect(found.out).toMatch(/^acme\/shop v\d+: active, in use/);
});
