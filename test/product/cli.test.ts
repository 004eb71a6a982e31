import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import type { Rotor, Said } from './rotor.js';
import { sampleTraits } from '../issuers/own-server.js';
import { openSession, type Session } from './session.js';
import { usages } from './usage.js';
import { expectGolden, withoutChance } from '../golden/golden.js';
import {
  eventually,
  openInstallation,
  openSecret,
  quick,
  type Installation,
  type UsedSecret,
} from '../faults/installation.js';

let installation: Installation;
let secret: UsedSecret;
let session: Session;
let rotor: Rotor;

/** What the server of an issuer of one's own tells of itself. */
let told: object = sampleTraits;
const own = createServer((_, response) => {
  response.end(JSON.stringify({ protocol: 1, traits: told }));
});

beforeAll(async () => {
  own.listen(0, '127.0.0.1');
  await once(own, 'listening');
  const url = `http://127.0.0.1:${String((own.address() as AddressInfo).port)}`;
  installation = await openInstallation(() => ({
    own: { kind: 'http', url, traits: sampleTraits },
  }));
  installation.start('api');
  installation.start('worker');
  await installation.ready();
  session = openSession(installation);
  ({ rotor } = session);
  secret = await openSecret(installation, 'shop');
});
afterAll(async () => {
  session.close();
  await secret.stop();
  await installation.close();
  own.closeAllConnections();
  own.close();
});

describe('the commands', () => {
  test('say how they are used, in 80 columns', async () => {
    const texts = (await usages(rotor)).map(({ text }) => text);
    expectGolden('usage.txt', texts.join(`\n${'-'.repeat(80)}\n`));
  });

  test('plan shows waves, who breaks, who is not declared, and a hash', async () => {
    await secret.login(secret.oldValue, 'stranger/1');
    await eventually(async () => (await rotor(['plan', 'acme/shop'])).out.includes('stranger/1'));
    const { out, code } = await rotor(['plan', 'acme/shop']);
    expect(code).toBe(0);
    // A block that the quiet period may have ended meanwhile.
    const lines = out.split('\n').filter((line) => !line.startsWith('blocks'));
    expectGolden('plan.txt', withoutChance(lines.join('\n')));
    const longest = Math.max(...lines.map(({ length }) => length));
    expect(longest).toBeLessThanOrEqual(80);
  });

  test('rotate --watch follows the run to its end; report tells it', async () => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { out, code } = await rotor(['rotate', 'acme/shop', '--reason', 'test', '--watch']);
    expect([code, out.trimEnd().split('\n').at(-1)]).toEqual([0, '  succeeded']);
    const listed = await rotor(['list', '--runs', '--json']);
    const [run] = JSON.parse(listed.out) as { run: string }[];
    const report = await rotor(['report', run?.run.slice(0, 8) ?? '']);
    // What the stranger of another test did may have been found before this run or since.
    const [ofRun = ''] = report.out.split('## Findings');
    expectGolden('report.md', withoutChance(`${ofRun.trimEnd()}\n`));
    const value = secret.values().env[0] ?? '';
    for (const text of [
      out,
      listed.out,
      report.out,
      installation.log('worker'),
      installation.log('api'),
    ]) {
      expect(text).not.toContain(value);
    }
  });

  test('decide accepts an outage for a run that is blocked, and it goes on by itself', async () => {
    const old = secret.values().env[0] ?? '';
    const stranger = setInterval(() => void secret.login(old, 'stranger/2'), 30).unref();
    await eventually(async () =>
      (await rotor(['who-uses', 'acme/shop'])).out.includes('stranger/2'),
    );
    const asked = await rotor(['rotate', 'acme/shop', '--reason', 'test', '--json']);
    const { runId } = JSON.parse(asked.out) as { runId: string };
    const run = runId.slice(0, 8);
    await eventually(async () => (await secret.run(runId))['waitsCode'] === 'undeclared-use');
    const { out } = await rotor(['list', '--runs', '--json']);
    expect(out).toContain(`rotor decide ${run} accept-outage --source SOURCE`);
    const accept = (...names: string[]) =>
      rotor(['decide', run, 'accept-outage', '--reason', 'it is a test', ...names]);
    const word = ['--confirm', 'revoke'];
    const source = ['--source', '127.0.0.1 · stranger/2'];
    for (const [said, code, told] of [
      [await accept(...source), 2, 'confirmation-needed'],
      [await accept(...word), 2, 'outage-needed'],
      [await accept('--dependent', 'nobody', ...word), 2, 'nobody does not depend on'],
      [await accept('--source', 'stranger/3', ...word), 2, 'stranger/3 was never seen'],
      [await accept(...source, ...word), 0, ''],
    ] as const) {
      expect([said.code, said.err]).toEqual([code, expect.stringContaining(told)]);
    }
    expect(await rotor(['watch', run])).toMatchObject({ code: 0 });
    clearInterval(stranger);
    expect(await secret.login(old, 'check')).toBe('refused');
    const report = await rotor(['report', run]);
    expect(report.out).toMatch(/accept-outage \| 127\.0\.0\.1 · stranger\/2 \| .* \| it is a test/);
    expect(report.out).toMatch(/accepted-outage \| .* \| it is a test/);
  });

  test('compromise asks for the word, and contains', async () => {
    const without = await rotor(['compromise', 'acme/shop']);
    expect([without.code, without.err]).toEqual([
      2,
      expect.stringContaining('confirmation-needed'),
    ]);
    const done = await rotor([
      'compromise',
      'acme/shop',
      '--confirm',
      'revoke',
      '--reason',
      'leak',
      '--watch',
    ]);
    expect(done.code).toBe(0);
    expect(await secret.login(secret.oldValue, 'check')).toBe('refused');
  });

  test('a revoke that would break somebody is refused with their names, and what to do instead', async () => {
    // However busy the machine is, its dependents are in use.
    const calm = { ...quick, quietPeriod: '1m' };
    await installation.apply({ organization: 'acme', policies: [calm] });
    const shown = await rotor(['show', 'acme/shop']);
    const [, current = ''] = /(v\d+) +active/.exec(shown.out) ?? [];
    const revoke = (...more: string[]) =>
      rotor(['revoke', 'acme/shop', '--confirm', 'revoke', ...more]);
    const refused = await revoke('--version', current);
    expect([refused.code, refused.err]).toEqual([5, expect.stringContaining('breaks-dependents')]);
    expect(refused.err).toContain('shop-env');
    expect(refused.err).toContain('rotor rotate acme/shop moves them first');
    await installation.apply({ organization: 'acme', policies: [quick] });
    const none = await revoke('--version', 'v99');
    expect([none.code, none.err]).toEqual([2, expect.stringContaining('v99 is no live version')]);
    const both = await rotor([
      ...['compromise', 'acme/shop', '--confirm', 'revoke'],
      ...['--version', 'v1', '--leaked-before', '2026-01-31'],
    ]);
    expect(both.err).toContain('--leaked-before');
    const unsaid = await rotor(['project', 'complete']);
    expect([unsaid.code, unsaid.err]).toEqual([
      2,
      expect.stringMatching(/--organization <name>[^]*--reason <text>/),
    ]);
    expect([both.code, both.err]).toEqual([
      2,
      expect.stringContaining('expected one of --version, --version all and'),
    ]);
    const old = ['--confirm', 'revoke', '--leaked-before', '2020-01-01'];
    const early = await rotor(['compromise', 'acme/shop', ...old]);
    expect([early.code, early.err]).toEqual([5, expect.stringContaining('nothing-in-scope')]);
    const asked = installation.api.post('/v1/secrets/acme/shop/runs', {
      ...{
        kind: 'compromise',
        reason: 'leak',
        confirm: 'revoke',
        leakedBefore: '2020-01-01T00:00:00Z',
      },
    });
    await expect(asked).rejects.toMatchObject({ code: 'nothing-in-scope' });
    const ahead = await rotor([
      'compromise',
      'acme/shop',
      '--reason',
      'x',
      '--confirm',
      'revoke',
      '--leaked-before',
      '2999-01-01',
    ]);
    expect([ahead.code, ahead.err]).toEqual([
      2,
      expect.stringContaining('--leaked-before: expected a moment that is over'),
    ]);
    const moment = await rotor(['compromise', 'acme/shop', '--leaked-before', 'yesterday']);
    expect([moment.code, moment.err]).toEqual([2, expect.stringContaining('expected a moment')]);
    expect((await rotor(['plan', 'acme/shop', '--decommission'])).out).toContain('Decommission');
  });

  test('a dependent is withheld from, which is a finding, and released', async () => {
    const dependent = ['acme/shop-env', '--reason', 'it was broken into'];
    const withheld = await rotor(['dependents', 'withhold', ...dependent]);
    expect([withheld.code, withheld.out]).toEqual([
      0,
      'acme/shop-env is given no new value of shop\n',
    ]);
    expect((await rotor(['show', 'acme/shop'])).out).toContain('shop-env is given no new value');
    expect((await rotor(['plan', 'acme/shop'])).out).toContain('until somebody releases them');
    expect(await rotor(['dependents', 'release', ...dependent])).toMatchObject({ code: 0 });
    expect(await rotor(['dependents', 'release', ...dependent])).toMatchObject({ code: 5 });
    expect((await rotor(['show', 'acme/shop'])).out).not.toContain('is given no new value');
  });

  test('list, show, who-uses, dependents, doctor and audit verify', async () => {
    expect((await rotor(['list'])).out).toMatch(/acme\/shop/);
    expect((await rotor(['show', 'acme/shop'])).out).toMatch(/v1\s+revoked/);
    expect((await rotor(['who-uses', 'acme/shop'])).out).toMatch(/stranger\/1/);
    expect((await rotor(['dependents'])).out).toMatch(/acme\/shop-env/);
    expect(await rotor(['doctor'])).toMatchObject({ code: 0 });
    expect(await rotor(['audit', 'verify'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('complete and unchanged'),
    });
  });

  test('doctor says where a server of our own is not what rotor.yaml says', async () => {
    told = { ...sampleTraits, useRecord: 'sampled', seesRefusals: false };
    const { code, out } = await rotor(['doctor']);
    told = sampleTraits;
    expect(code).toBe(8);
    expect(out.replaceAll(/\s+/g, ' ')).toContain('useRecord is sampled, not exact');
  });

  test('apply says what it declares again that was retired', async () => {
    const file = join(installation.folder, 'again.yaml');
    writeFileSync(
      file,
      'organization: acme\ndependents:\n  - { name: gone, owner: team }\n  - { name: stays, owner: team }\n',
    );
    const apply = async () => (await rotor(['apply', '-f', file])).out.trim().split('\n');
    expect(await apply()).toEqual(['+ dependent acme/gone', '+ dependent acme/stays']);
    await rotor(['dependents', 'retire', 'acme/gone']);
    expect((await rotor(['apply', '-f', file, '--dry-run'])).out).toMatch('declared again');
    expect(await apply()).toEqual([
      expect.stringMatching(
        /^\+ dependent acme\/gone: declared again, it was retired on \d{4}-\d\d-\d\d$/,
      ),
    ]);
    expect(await apply()).toEqual(['nothing to change']);
  });

  test('apply says how many secrets go by a policy that it changes, whoever declared them', async () => {
    const file = join(installation.folder, 'policy.yaml');
    writeFileSync(file, 'organization: acme\npolicies: [{ name: quick, overlap: 3d }]\n');
    const { out } = await rotor(['apply', '-f', file, '--dry-run']);
    expect(out).toMatch(/^~ policy acme\/quick \(.*overlapMs.*\): [1-9] secrets? go(es)? by it$/m);
  });

  test('identify says which secret a leaked value is, by standard input', async () => {
    const known = await rotor(['identify'], { input: `${secret.values().env[0] ?? ''}\n` });
    expect([known.code, known.out]).toEqual([0, expect.stringMatching(/^acme\/shop v\d+: /)]);
    const dead = await rotor(['identify'], { input: secret.oldValue });
    expect([dead.code, dead.out]).toEqual([0, 'acme/shop v1: revoked\n']);
    const pasted = await rotor(['identify'], { input: `  ${secret.oldValue}  \r\n\n` });
    expect(pasted.out).toBe('acme/shop v1: revoked\n');
    expect(await rotor(['identify'], { input: 'never-seen' })).toMatchObject({ code: 4 });
    expect(await rotor(['identify'], { input: '' })).toMatchObject({ code: 2 });
    expect(installation.log('api')).not.toContain(secret.oldValue);
  });

  test('a decommission empties the destinations and takes the secret off the list', async () => {
    const ended = await openSecret(installation, 'old-shop');
    try {
      const names = (await rotor(['dependents', '--json'])).out;
      const dependents = (JSON.parse(names) as { dependent: string; secrets: string[] }[])
        .filter(({ secrets }) => secrets.includes('old-shop'))
        .map(({ dependent }) => dependent);
      const done = await rotor([
        ...['decommission', 'acme/old-shop', '--confirm', 'revoke', '--watch'],
        ...['--reason', 'it is over', '--accept-outage', ...dependents],
      ]);
      expect([done.code, done.out.trimEnd().split('\n').at(-1)]).toEqual([0, '  succeeded']);
      expect(await ended.login(ended.oldValue, 'check')).toBe('refused');
      expect(ended.values().env.join('')).toBe('');
      expect((await rotor(['list'])).out).not.toContain('acme/old-shop');
      expect(await rotor(['show', 'acme/old-shop'])).toMatchObject({ code: 4 });
    } finally {
      await ended.stop();
    }
  });

  test('a retired secret is on a list of its own, and its report tells its whole life', async () => {
    const { out } = await rotor(['list', '--retired']);
    expect(out).toMatch(/acme\/old-shop +\S+ ago +\S+ ago +1 /);
    const report = await rotor(['report', '--secret', 'acme/old-shop']);
    // What its dependents did afterwards comes in any order.
    const [ofSecret = ''] = report.out.split('## Findings');
    const said = withoutChance(ofSecret).replaceAll(installation.folder, '/srv');
    expectGolden('secret-report.md', said.replaceAll(/\b[0-9a-f]{8}\b/g, 'RUN'));
    const csv = (await rotor(['report', '--secret', 'acme/old-shop', '--csv'])).out.split('\n');
    expect(csv[0]).toBe('at,what,about,run,by,detail');
    expect(csv.find((line) => line.includes(',decommission requested,'))).toMatch('it is over');
  });

  test('report --from counts runs, says how long, what they waited for, who asked and accepted', async () => {
    const { out, code } = await rotor(['report', '--from', '2026-01-01', '--organization', 'acme']);
    expect(code).toBe(0);
    expect(out).toMatch(/\| decommission \| succeeded \| 1 \| \S+( \S+)? \| \S+( \S+)? \|/);
    expect(out).toMatch(/\| undeclared-use \| 1 \| \d+ \|/);
    expect(out).toMatch(/\| decided: accept-outage \| first-admin \| 1 \|/);
    expect(out).toMatch(/\| accepted with the request: outage \| first-admin \| 1 \|/);
    const csv = (await rotor(['report', '--from', '2026-01-01', '--csv'])).out.trim().split('\n');
    expect(csv.filter((line) => line.includes(',acme/shop,rotate,succeeded,'))).toHaveLength(2);
    for (const [args, told] of [
      [['--from', 'monday'], 'expected a day such as'],
      [['--from', '2026-02-01', '--to', '2026-01-01'], 'a period ends after it began'],
      [['12345678', '--secret', 'acme/shop'], 'one run, one secret or one period'],
    ] as const)
      expect(await rotor(['report', ...args])).toMatchObject({
        code: 2,
        err: expect.stringContaining(told),
      });
  });

  test('sweep finds, audit secrets counts, findings say what to do, and one is muted for a while', async () => {
    const swept = await rotor(['sweep', '--watch']);
    expect([swept.code, swept.out]).toEqual([0, expect.stringMatching(/^1 secret swept: /)]);
    const audit = await rotor(['audit', 'secrets', '--csv']);
    expect(await rotor(['audit', 'secrets', '--csv', '--json'])).toMatchObject({ code: 2 });
    const [head = '', ...rows] = audit.out.trim().split('\n');
    expect(head.split(',').slice(0, 5)).toEqual([
      ...['organization', 'secret', 'owner', 'issuer', 'version'],
    ]);
    const shop = rows.find((row) => row.startsWith('acme,shop,')) ?? '';
    expect(shop).toMatch(/^acme,shop,[^,]+,main,v4,.*,2,2,exact,/);
    expect((await rotor(['audit', 'secrets'])).out).toMatch(/acme\/shop +v4 .* 2\/2 +exact/);
    const list = async (...more: string[]) =>
      (await rotor(['findings', '--code', 'undocumented', ...more])).out;
    expect(await list()).toMatch(
      /info acme\/shop it has no documentation\n {2}[0-9a-f]{8} .*\n {2}→ declare what is missing/,
    );
    const [finding = ''] = /[0-9a-f]{8}(?= {2}since)/.exec(await list()) ?? [];
    const mute = (until: string) =>
      rotor(['findings', 'mute', finding, '--reason', 'it is a test', '--until', until]);
    expect(await mute('2026-01-01')).toMatchObject({
      code: 2,
      err: expect.stringContaining('lies in the future'),
    });
    const day = new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10);
    expect(await mute(day)).toMatchObject({ code: 0 });
    expect(await list()).not.toContain(finding);
    expect(await list('--all')).toContain(`muted until ${day} by first-admin: it is a test`);
    expect(await rotor(['findings', 'unmute', finding])).toMatchObject({ code: 0 });
    expect(await list()).toContain(finding);
  });

  test('audit export is verified without server or database, and holds no value', async () => {
    const trail = await rotor(['audit', 'export']);
    expect([trail.code, trail.err]).toEqual([0, '']);
    const files = ['trail', 'later', 'lie'].map((name) =>
      join(installation.folder, `${name}.ndjson`),
    ) as [string, string, string];
    writeFileSync(files[0], trail.out);
    writeFileSync(files[1], (await rotor(['audit', 'export'])).out);
    writeFileSync(files[2], trail.out.replace('"actor":"', '"actor":"x'));
    for (const value of [secret.oldValue, ...secret.values().env])
      expect(trail.out).not.toContain(value);
    const key = (await rotor(['audit', 'key'])).out.trim();
    const nowhere = { env: { ROTOR_STATE: join(installation.folder, 'nowhere') } };
    const verify = (...args: string[]) => rotor(['audit', 'verify', '--file', ...args], nowhere);
    const fine = await verify(files[1], '--key', key, '--after', files[0]);
    expect([fine.code, fine.out]).toEqual([0, expect.stringContaining('complete and unchanged')]);
    expect(fine.out).toContain('goes on from the earlier export');
    expect((await verify(files[0])).out).toContain('compare it with rotor audit key');
    const lie = await verify(files[2], '--key', key);
    expect([lie.code, lie.out]).toEqual([8, expect.stringMatching(/lie\.ndjson:\d+ was changed/)]);
    const other = `ed25519:${'A'.repeat(43)}`;
    expect((await verify(files[0], '--key', other)).code).toBe(8);
    const bad = await verify('/nowhere', '--key', key, '--after', '/nowhere/else');
    expect([bad.code, bad.err.match(/is no file/g)?.length]).toEqual([2, 2]);
    const lost = await rotor(['audit', 'verify', '--key', 'x', '--after', 'y']);
    expect([lost.code, lost.err.match(/^ {2}--/gm)?.length]).toEqual([2, 3]);
    const rest = await rotor(['audit', 'export', '--secret', 'acme/shop', '--from', '2026-01-01']);
    expect(rest.out.split('\n').length).toBeLessThan(trail.out.split('\n').length);
    const part = await rotor(['audit', 'verify', '--file', '-'], { input: rest.out });
    expect([part.code, part.out]).toEqual([0, expect.stringContaining('in 1 chain ')]);
  });

  test('audit verify ends with 8 when somebody changed the trail', async () => {
    const { ownerPool } = installation.database;
    await ownerPool.query('alter table rotor.audit disable trigger keep_audit');
    await ownerPool.query(`update rotor.audit set actor = 'nobody' where seq = 1`);
    const said = await rotor(['audit', 'verify']);
    expect([said.code, said.out]).toEqual([
      8,
      expect.stringContaining('event 1: changed-or-inserted'),
    ]);
  });

  test('tokens are made, listed and revoked', async () => {
    const made = await rotor(['token', 'create', 'ci', '--role', 'viewer', '--holder', 'service']);
    const token = made.out.trim();
    expect(token).toMatch(/^rotor_pat_/);
    expect(await rotor(['list'], { env: { ROTOR_TOKEN: token } })).toMatchObject({ code: 0 });
    const denied = await rotor(['token', 'list'], { env: { ROTOR_TOKEN: token } });
    expect([denied.code, denied.err]).toEqual([3, expect.stringContaining('not-allowed')]);
    expect((await rotor(['token', 'list'])).out).not.toContain(token);
    await rotor(['token', 'revoke', 'ci']);
    expect(await rotor(['list'], { env: { ROTOR_TOKEN: token } })).toMatchObject({ code: 3 });
  });
});

describe('what is wrong is said where it is', () => {
  async function apply(text: string): Promise<Said> {
    const file = join(installation.folder, 'bad.yaml');
    writeFileSync(file, text);
    return rotor(['apply', '-f', file]);
  }

  test('all problems of a file at once, each with its line, in the order of the lines', async () => {
    const { code, err } = await apply(`organization: acme
policies:
  - name: slow
    quietPeriod: a fortnight
    waves:
      - { name: a, after: [b] }
      - { name: b, after: [a] }
dependents:
  - { name: shop, ownr: me }
secrets:
  - { name: "../etc", issuer: main, owner: me, specification: { role: Vewer } }
  - name: api
    issuer: mian
    policy: slow
    dependencies:
      - { dependent: ghost, connector: dotenv, destination: { file: /etc/x, variable: X } }
`);
    expect(code).toBe(2);
    const told = err.split('\n').flatMap((line) => /bad\.yaml:(\d+):\d+ (.*)/.exec(line) ?? []);
    const problems = [4, 6, 9, 9, 11, 11, 12, 13, 16, 16, 16].map(String);
    expect(told.filter((part) => /^\d+$/.test(part))).toEqual(problems);
    for (const message of [
      /:4:\d+ .*quietPeriod: expected a duration/,
      /:6:\d+ .*waves: these waves wait for each other: a → b → a/,
      /:9:\d+ .*owner: is missing/,
      /:9:\d+ .*ownr: unknown field/,
      /:11:\d+ .*name: expected lower-case letters/,
      /:11:\d+ .*specification\.role: expected one of/,
      /:12:\d+ .*owner: is missing/,
      /:13:\d+ .*issuer: there is no issuer mian/,
      /:16:\d+ .*dependent: there is no dependent ghost/,
      /:16:\d+ .*seenAs: is missing/,
      /:16:\d+ .*destination: .*not below a folder/,
    ]) {
      expect(err).toMatch(message);
    }
  });

  test('an issuer or a connector that is in rotor.yaml only since the API started: how it gets known', async () => {
    const dependent = 'dependents: [{ name: shop, owner: me }]';
    const secret = (issuer: string, connector: string): string =>
      [
        ...['organization: acme', dependent, 'secrets:'],
        ...[`  - name: fresh`, `    issuer: ${issuer}`, '    owner: me', '    policy: default'],
        ...['    specification: { role: Viewer, validity: 1d }', '    dependencies:'],
        `      - { dependent: shop, connector: ${connector}, destination: {} }`,
      ].join('\n');
    const file = join(installation.folder, 'rotor.yaml');
    const before = readFileSync(file, 'utf8');
    const none = await apply(secret('later', 'command'));
    expect(none.err).toMatch(
      /there is no issuer later.*configured when the API started: main, own/,
    );
    const { issuers, connectors, ...more } = parse(before) as Record<string, object>;
    const added = {
      ...{ issuers: { ...issuers, later: {} }, connectors: { ...connectors, command: {} } },
    };
    writeFileSync(file, stringify({ ...more, ...added }));
    const { code, err } = await apply(secret('later', 'command'));
    writeFileSync(file, before);
    expect(code).toBe(2);
    const hint = 'rotor.yaml names it now, .* start the API and the workers again';
    expect(err).toMatch(new RegExp(`there is no issuer later.*${hint}`));
    expect(err).toMatch(new RegExp(`there is no connector command.*${hint}`));
  });

  test('YAML that is none', async () => {
    const { code, err } = await apply('organization: [acme\n');
    expect([code, err]).toEqual([2, expect.stringMatching(/bad\.yaml:\d+:\d+/)]);
  });

  const rows: [string, string[], number, string][] = [
    ['a secret that is not there', ['show', 'acme/nothing'], 4, 'no-such-secret'],
    ['a name that leaves its path', ['show', '../tokens'], 2, 'name-invalid'],
    ['a name that is none', ['show', 'acme'], 2, 'name-invalid'],
    ['a run that is not there', ['watch', 'ffffffff'], 4, 'no-such-run'],
    [
      'a decision that is none',
      ['decide', 'ffffffff', 'jump', '--reason', 'x'],
      2,
      'decision-unknown',
    ],
    ['a command that is none', ['rotat'], 2, 'unknown command'],
  ];
  for (const [what, args, code, told] of rows) {
    test(`${what}: exit code ${code}`, async () => {
      const said = await rotor(args);
      expect([said.code, said.err]).toEqual([code, expect.stringContaining(told)]);
    });
  }

  test('an API that is not there: exit code 6', async () => {
    const said = await rotor(['list'], { env: { ROTOR_URL: 'http://127.0.0.1:9' } });
    expect([said.code, said.err]).toEqual([6, expect.stringContaining('unreachable')]);
  });
  test.each([
    ['a command that is none', ['rotat'], "unknown command 'rotat'"],
    ['an option that is none', ['list', '--rnus'], 'Did you mean --runs?'],
    ['an argument too few', ['show'], "missing required argument 'secret'"],
    ['an option that is missing', ['pause', 'x'], '--reason <text>'],
    ['no command', [], 'a command is needed'],
  ])('%s, as JSON for programs: exit code 2', async (_what, args, told) => {
    const said = await rotor(['--json', ...args]);
    expect([said.code, said.out, JSON.parse(said.err)]).toEqual([
      2,
      '',
      { error: expect.objectContaining({ code: 'usage-invalid', hint: expect.any(String) }) },
    ]);
    expect(said.err).toContain(told);
  });
  test('errors as JSON for programs', async () => {
    const said = await rotor(['--json', 'show', 'acme/nothing']);
    expect(JSON.parse(said.err)).toMatchObject({ error: { code: 'no-such-secret' } });
  });
});

test('rotate --watch in a script ends with exit code 7 where people have to approve', async () => {
  const policy = { name: 'four-eyes', approvals: {} };
  const approved = await openSecret(installation, 'approved', { policy });
  try {
    const { code, out, err } = await rotor([
      ...['rotate', 'acme/approved', '--reason', 'test', '--watch'],
    ]);
    expect([code, out]).toEqual([
      7,
      expect.stringMatching(/approval needed: rotor approve [0-9a-f]{8} /),
    ]);
    expect(err).toMatch(
      /^blocked until somebody helps; then rotor watch [0-9a-f]{8} follows it\n$/,
    );
  } finally {
    await approved.stop();
  }
});
