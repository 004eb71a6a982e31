import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  eventually,
  openInstallation,
  openSecret,
  type Installation,
  type UsedSecret,
} from '../faults/installation.js';
import type { Rotor } from './rotor.js';
import { openSession, type Session } from './session.js';

describe('an incident', () => {
  let installation: Installation;
  let session: Session;
  let rotor: Rotor;
  let worker: ReturnType<Installation['start']>;
  const secrets: UsedSecret[] = [];
  const later = '2100-01-01T00:00:00Z';
  const now = (): string => new Date().toISOString();

  beforeAll(async () => {
    installation = await openInstallation();
    installation.start('api');
    worker = installation.start('worker');
    await installation.ready();
    session = openSession(installation);
    ({ rotor } = session);
    for (const name of ['one', 'two', 'three', 'safe'])
      secrets.push(await openSecret(installation, name));
    // One host uses three of the four.
    const dependency = {
      dependent: 'host',
      connector: 'dotenv',
      leastEvidence: 'read-back',
      picksUpWithin: '100ms',
    };
    await installation.apply({
      organization: 'acme',
      dependents: [{ name: 'host', owner: 'team' }],
      secrets: secrets.slice(0, 3).map(({ name, clientId, env }) => ({
        name,
        issuer: 'main',
        owner: 'team',
        policy: 'quick',
        specification: {
          role: name === 'two' ? 'Contributor' : 'Viewer',
          validity: '1d',
          clientId,
        },
        dependencies: [
          { ...dependency, destination: { file: `${env}.host`, variable: 'SECRET', create: true } },
        ],
      })),
    });
  });
  afterAll(async () => {
    await Promise.all(secrets.map((secret) => secret.stop()));
    session.close();
    await installation.close();
  });

  const start = (...more: string[]): ReturnType<Rotor> =>
    rotor([
      ...['incident', 'start', '--dependent', 'acme/host', '--leaked-before', now()],
      ...['--reason', 'the host was broken into', ...more],
    ]);

  test('is planned first: what was held, the most dangerous first', async () => {
    const plan = ['incident', 'plan', '--dependent', 'acme/host', '--leaked-before'];
    const { code, out } = await rotor([...plan, now()]);
    expect(code).toBe(0);
    expect(out).toMatch(/1 +acme\/two[^]*2 +acme\/(one|three)[^]*3 +acme\/(one|three)/);
    expect(out).not.toContain('acme/safe');
    expect((await rotor([...plan, '2020-01-01'])).out).toContain('acme/one');
    expect((await rotor([...plan, later])).err).toContain('expected a moment that is over');
    const nobody = await rotor(['incident', 'plan', '--leaked-before', now()]);
    expect([nobody.code, nobody.err]).toEqual([2, expect.stringContaining('expected one of')]);
    expect(nobody.err).toContain('expected one of --dependent, --organization and --secrets');
    const file = join(installation.folder, 'names.txt');
    writeFileSync(file, '# held\nacme/one\nacme\n\nacme/ghost\nacme/two\nacme/gone\n');
    const listed = await rotor(['incident', 'plan', '--secrets', file, '--leaked-before', now()]);
    expect(listed.code).toBe(2);
    expect(listed.err.match(/names\.txt:\d+: .*/g)).toEqual([
      'names.txt:3: expected organization/name',
      'names.txt:5: there is no secret acme/ghost',
      'names.txt:7: there is no secret acme/gone',
    ]);
    const missing = ['--dependent', 'acme/ghost', '--leaked-before', now()];
    expect(await rotor(['incident', 'plan', ...missing])).toMatchObject({ code: 4 });
  });

  test('asks for the word', async () => {
    const said = await start();
    expect([said.code, said.err]).toEqual([2, expect.stringContaining('confirmation-needed')]);
  });

  test('contains everything that the host held, one at a time, though the worker is killed, and nothing new goes to it', async () => {
    installation.killAt('campaign:advanced');
    const asked = await start('--quarantine', '--at-once', '1', '--confirm', 'revoke', '--json');
    expect(asked.code).toBe(0);
    const { incident } = JSON.parse(asked.out) as { incident: string };
    await eventually(() => Promise.resolve(worker.signalCode === 'SIGKILL'));
    installation.start('worker');
    const done = await rotor(['incident', 'watch', incident.slice(0, 8)]);
    expect(done.code).toBe(0);
    expect(done.out).toContain('3 done · 0 replacing · 0 containing · 0 waiting');
    expect(done.out.match(/waits for/g)).toHaveLength(1);
    for (const secret of secrets.slice(0, 3))
      expect(await secret.login(secret.oldValue, 'laptop')).toBe('refused');
    const [, , , safe] = secrets;
    expect(await safe?.login(safe.oldValue, 'laptop')).toBe('accepted');
    const report = (await rotor(['incident', 'report', incident.slice(0, 8)])).out;
    expect(report).toContain('- contained: 3 of 3');
    expect((await rotor(['who-uses', 'acme/one'])).out).toContain('host');
    expect((await rotor(['show', 'acme/one'])).out).toContain('host is given no new value');
    const released = ['incident', 'release', incident.slice(0, 8), '--reason', 'installed anew'];
    expect(await rotor(released)).toMatchObject({ code: 0 });
    expect((await rotor(['show', 'acme/one'])).out).not.toContain('is given no new value');
    expect((await rotor(['incident', 'list'])).out).toContain(incident.slice(0, 8));
    expect(await rotor(['incident', 'show', 'ffffffff'])).toMatchObject({ code: 4 });
  });

  test('again, for the same moment: there is nothing left to contain', async () => {
    const moment = new Date(Date.now() - 60_000).toISOString();
    const again = ['--dependent', 'acme/host', '--leaked-before', moment];
    const { out } = await rotor(['incident', 'plan', ...again]);
    expect(out).toContain('nothing that lives was minted before that moment');
    const why = ['--reason', 'again', '--confirm', 'revoke'];
    const started = await rotor(['incident', 'start', ...again, ...why]);
    expect([started.code, started.err]).toEqual([5, expect.stringContaining('nothing-in-scope')]);
  });
});
