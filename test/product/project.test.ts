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

describe('a project that is over', () => {
  let installation: Installation;
  let session: Session;
  let rotor: Rotor;
  const secrets: UsedSecret[] = [];
  /** Whoever is in use stays so, however busy the machine is. */
  const policy = { name: 'calm', quietPeriod: '2s' };
  const scope = ['--organization', 'acme', '--label', 'project=shop'];

  beforeAll(async () => {
    installation = await openInstallation();
    installation.start('api');
    installation.start('worker');
    await installation.ready();
    session = openSession(installation);
    ({ rotor } = session);
    for (const name of ['cart', 'till', 'other']) {
      const secret = await openSecret(installation, name, { policy });
      secrets.push(secret);
      await installation.apply({
        organization: 'acme',
        secrets: [
          {
            name,
            issuer: 'main',
            owner: 'team',
            policy: policy.name,
            labels: { project: name === 'other' ? 'stock' : 'shop', risk: 'low' },
            specification: { role: 'Viewer', validity: '1d', clientId: secret.clientId },
          },
        ],
      });
    }
  });
  afterAll(async () => {
    await Promise.all(secrets.map((secret) => secret.stop()));
    session.close();
    await installation.close();
  });

  test('is planned by its labels, and bad ones are told', async () => {
    const { code, out } = await rotor(['project', 'plan', ...scope]);
    expect(code).toBe(0);
    expect(out).toMatch(/acme\/(cart|till)[^]*acme\/(cart|till)/);
    expect(out).not.toContain('acme/other');
    const carrying = (await rotor(['list', '--label', 'project=shop', 'risk=low'])).out;
    expect(carrying).toMatch(/acme\/cart[^]*acme\/till/);
    expect(carrying).not.toContain('acme/other');
    expect((await rotor(['list', '--label', 'project=none'])).out).toBe('nothing\n');
    expect((await rotor(['show', 'acme/cart'])).out).toContain('labels risk=low, project=shop');
    expect(await rotor(['list', '--label', 'shop'])).toMatchObject({ code: 2 });
    expect(await rotor(['list', '--runs', '--label', 'a=b'])).toMatchObject({ code: 2 });
    const none = await rotor(['project', 'plan', ...scope, 'risk=high']);
    expect(none.out).toContain('no secret is left of it');
    const nothing = ['--reason', 'over', '--confirm', 'revoke'];
    const refused = await rotor(['project', 'complete', ...scope, 'risk=high', ...nothing]);
    expect([refused.code, refused.err]).toEqual([5, expect.stringContaining('nothing-in-scope')]);
    const labels = { project: 'shop', risk: 'high' };
    const body = { organization: 'acme', labels, reason: 'over', confirm: 'revoke' };
    const asked = installation.api.post('/v1/projects', body);
    await expect(asked).rejects.toMatchObject({ code: 'nothing-in-scope' });
    const many = await rotor(['project', 'complete', ...scope, ...nothing, '--at-once', '999']);
    expect([many.code, many.err]).toEqual([
      2,
      expect.stringContaining('--at-once: expected at most 100'),
    ]);
    const bad = await rotor(['project', 'plan', '--organization', 'acme', '--label', 'shop']);
    expect([bad.code, bad.err]).toEqual([2, expect.stringContaining('name=value')]);
    const ghost = await rotor(['project', 'plan', '--organization', 'ghost']);
    expect(ghost.code).toBe(4);
    const unsaid = await rotor(['project', 'complete', ...scope, '--reason', 'over']);
    expect([unsaid.code, unsaid.err]).toEqual([2, expect.stringContaining('confirmation-needed')]);
    // What would be done stands above, as a table of its own.
    expect(unsaid.err).toMatch(
      /^ +secret [^]*\nerror Completing the project decommissions 2 secrets/,
    );
  });

  test('is decommissioned secret by secret: who is used waits, what somebody brings back stays', async () => {
    const [cart, till, other] = secrets;
    if (cart === undefined || till === undefined || other === undefined) throw new Error('three');
    till.rest(true);
    const complete = [
      ...['project', 'complete', ...scope, '--reason', 'the shop is closed'],
      ...['--confirm', 'revoke', '--json', '--idempotency-key', 'shop-closed'],
    ];
    const asked = await rotor(complete);
    expect(asked.code).toBe(0);
    const { project } = JSON.parse(asked.out) as { project: string };
    const show = ['project', 'show', project.slice(0, 8)];
    await eventually(async () => /till +v1 +done/.test((await rotor(show)).out));
    expect(await till.login(till.oldValue, 'check')).toBe('refused');
    const { out } = await rotor([...show, '--json']);
    const { secrets: rows } = JSON.parse(out) as { secrets: { secret: string; run: string }[] };
    const run = rows.find(({ secret }) => secret === 'acme/cart')?.run ?? '';
    const waits = /cart +v1 +ending +\S+ +breaks-dependents/;
    await eventually(async () => waits.test((await rotor(show)).out));
    expect(await rotor(['abort', run, '--reason', 'it is still needed'])).toMatchObject({
      code: 0,
    });
    const done = await rotor(['project', 'watch', project.slice(0, 8)]);
    expect((await rotor(complete)).out).toBe(asked.out);
    expect([done.code, done.out]).toEqual([1, expect.stringContaining('1 done · 1 brought back')]);
    const report = (await rotor(['project', 'report', project.slice(0, 8)])).out;
    expect(report).toMatch(/- ended: .*\n\n## Secrets\n/);
    expect(report).toMatch(/settled: 2 of 2[^]*cart[^]*rolled-back/);
    expect((await rotor(['project', 'list'])).out).toContain('project=shop');
    expect(await rotor(['incident', 'show', project.slice(0, 8)])).toMatchObject({ code: 4 });
    expect(await cart.login(cart.oldValue, 'check')).toBe('accepted');
    expect(await other.login(other.oldValue, 'check')).toBe('accepted');
    expect((await rotor(['list'])).out).not.toContain('acme/till');
    expect(cart.refused).toEqual([]);
  });

  test('over secrets that another open one has: whoever asks is told', async () => {
    const complete = ['project', 'complete', ...scope, '--reason', 'after all'];
    const first = await rotor([...complete, '--confirm', 'revoke', '--json']);
    const { project } = JSON.parse(first.out) as { project: string };
    const show = ['project', 'show', project];
    await eventually(async () => (await rotor(show)).out.includes('acme/cart'));
    const second = await rotor([...complete, '--confirm', 'revoke']);
    const told = `project ${project.slice(0, 8)} of first-admin is open and has 1 of these too`;
    expect(second.err).toContain(told);
    expect(second.err).toContain('Remove these secrets from your declarations');
  });
});
