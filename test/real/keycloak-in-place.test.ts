import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { prepareClient, prepareRealm, type PreparedClient } from '../issuers/keycloak-subject.js';
import { target, targetPatience } from '../targets/client.js';
import { eventually, type Row } from '../faults/installation.js';
import { openRealScene, programs, type RealScene } from './scene.js';

describe('keycloak-client-secret without a rotation policy: one value, replaced in place', () => {
  let client: PreparedClient;
  let scene: RealScene;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const realm = await prepareRealm(await target('keycloak'), false);
    client = await prepareClient(realm, { empty: false });
    scene = await openRealScene({
      issuer: () => ({ kind: 'keycloak-client-secret', ...realm.options }),
      specification: { clientId: client.clientId },
      first: () => Promise.resolve(client.first),
      use: client.use,
      close: () => realm.close(),
    });
    close = async () => {
      await scene.close();
      await realm.close();
    };
  }, targetPatience + 60_000);
  afterAll(() => close());

  const accepted = (value: string): Promise<boolean> => client.use(value, 'somebody');

  /** From the call that ends the old value until the new one lies with the program: no refusal is outside of it. */
  async function outages(): Promise<Row[]> {
    const { rows } = await scene.installation.database.pool.query<Row>(
      `select n.name as program, y.delivered_at as until,
         (select min(called_at) from rotor.grants g where g.run_id = v.run_id) as since
       from rotor.deliveries y join rotor.versions v on v.id = y.version_id
       join rotor.dependencies d on d.id = y.dependency_id
       join rotor.dependents n on n.id = d.dependent_id where v.is_current`,
    );
    return rows;
  }

  async function expectOnlyAnnounced(): Promise<void> {
    const announced = await outages();
    expect(announced.map(({ program }) => program).sort()).toEqual([...programs]);
    const outside = scene.refused.filter(
      ({ program, at }) =>
        !announced.some(
          (outage) =>
            outage['program'] === program &&
            at >= (outage['since'] as Date) &&
            at <= (outage['until'] as Date),
        ),
    );
    expect(outside).toEqual([]);
    scene.refused.length = 0;
  }

  test('the plan names who breaks, and until somebody accepts that, nobody does', async () => {
    const [old = ''] = scene.held();
    const { api } = scene.installation;
    const plan = await api.post<Row>('/v1/secrets/acme/real/plan', { kind: 'rotate' });
    expect(plan).toMatchObject({
      steps: expect.arrayContaining(['prepare', 'cutover']),
      breaks: [...programs],
    });
    await scene.run('rotate', async (runId) => {
      const waits = async (): Promise<unknown> =>
        (await api.get<{ run: Row }>(`/v1/runs/${runId}`)).run['waitsCode'];
      await eventually(async () => (await waits()) === 'dependents-not-moved');
      await api.post(`/v1/runs/${runId}/decisions`, { kind: 'abort', reason: 'not today' });
    });
    expect(scene.held()).toEqual([old, old]);
    expect(await accepted(old)).toBe(true);
    expect(scene.refused).toEqual([]);
  }, 120_000);

  async function expectRotated(): Promise<void> {
    const [old = ''] = scene.held();
    expect(await scene.run('rotate', undefined, programs)).toMatchObject({ outcome: 'succeeded' });
    const [first = '', second] = scene.held();
    expect([first === old, first === second]).toEqual([false, true]);
    expect([await accepted(old), await accepted(first)]).toEqual([false, true]);
    await expectOnlyAnnounced();
  }

  test('accepted by name: refused from the cut until each has the new value, and not a moment more', async () => {
    await expectRotated();
  }, 120_000);

  test('the worker killed just after the cut: the sealed value is the one in place, and everybody gets it', async () => {
    scene.killAt('cutover:called');
    await expectRotated();
  }, 120_000);

  test('once it is in place there is no way back, and it says so', async () => {
    const [old = ''] = scene.held();
    const { api } = scene.installation;
    const ended = await scene.run(
      'rotate',
      async (runId) => {
        await eventually(async () => scene.held().every((value) => value !== old));
        const decision = { kind: 'roll-back', reason: 'test' };
        await expect(api.post(`/v1/runs/${runId}/decisions`, decision)).rejects.toMatchObject({
          code: 'revoke-called',
        });
      },
      programs,
    );
    expect(ended).toMatchObject({ outcome: 'succeeded' });
    await expectOnlyAnnounced();
  }, 120_000);

  test('leaked: cut at once, and everybody has another one', async () => {
    const [leaked = ''] = scene.held();
    expect(await scene.run('compromise')).toMatchObject({ outcome: 'succeeded' });
    const [first = '', second] = scene.held();
    expect(first === second).toBe(true);
    expect([await accepted(leaked), await accepted(first)]).toEqual([false, true]);
    await expectOnlyAnnounced();
  }, 120_000);
});
