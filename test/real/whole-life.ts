/** What every issuer owes to its users, from a credential that is older than rotor to a leak; against the real system. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../faults/installation.js';
import { targetPatience } from '../targets/client.js';
import { openRealScene, type RealScene, type RealSystem } from './scene.js';

interface Life {
  /** The system keeps what it knows over a kill. */
  readonly keeps: boolean;
  /** The issuer shows who used a credential. */
  readonly shows: boolean;
  /** What is this system's own; after the others, and before the leak. */
  readonly also?: (
    living: () => { readonly scene: RealScene; readonly system: RealSystem },
  ) => void;
}

export function describeWholeLife(
  name: string,
  open: () => Promise<RealSystem>,
  { keeps, shows, also }: Life,
): void {
  describe(name, () => {
    let system: RealSystem;
    let scene: RealScene;
    beforeAll(async () => {
      system = await open();
      scene = await openRealScene(system);
    }, targetPatience + 60_000);
    afterAll(async () => {
      await scene.close();
      await system.close();
    });

    const isRefused = async (value: string): Promise<boolean> =>
      !(await system.use(value, 'somebody'));
    const live = async (): Promise<string[]> =>
      (await scene.versions()).filter((one) => !/revoked|ended/.test(one));

    test('adopted and rotated: nobody is refused, and the old value is dead', async () => {
      const [old = ''] = scene.held();
      expect(await scene.run('rotate')).toMatchObject({ outcome: 'succeeded' });
      const [first, second] = scene.held();
      expect([first === old, first === second]).toEqual([false, true]);
      expect(await isRefused(old)).toBe(true);
      expect(await scene.versions()).toEqual(['v1 revoked', 'v2 active current']);
      expect(scene.refused).toEqual([]);
    }, 120_000);

    test('the worker killed just after the mint: it goes on, with no credential too many', async () => {
      const [old = ''] = scene.held();
      scene.killAt('create:minted');
      expect(await scene.run('rotate')).toMatchObject({ outcome: 'succeeded' });
      expect(await isRefused(old)).toBe(true);
      expect(await live()).toHaveLength(1);
      expect(scene.refused).toEqual([]);
    }, 120_000);

    if (keeps)
      test('the system killed in the middle: it goes on', async () => {
        const [old = ''] = scene.held();
        const before = (await scene.versions()).length;
        const ended = await scene.run('rotate', async () => {
          await eventually(async () => (await scene.versions()).length > before);
          await system.restart?.();
        });
        expect(ended).toMatchObject({ outcome: 'succeeded' });
        expect(await isRefused(old)).toBe(true);
        expect(await live()).toHaveLength(1);
        expect(scene.refused).toEqual([]);
      }, 120_000);

    if (shows)
      test('somebody whom nobody declared is found while the old value is to go', async () => {
        const stranger = await system.shown?.stay(scene.held()[0] ?? '', 'stranger');
        const ended = await scene.run('rotate', async () => {
          await eventually(async () => (await scene.findings()).includes('undeclared-use'));
          await stranger?.leave();
        });
        expect(ended).toMatchObject({ outcome: 'succeeded' });
        expect(scene.refused).toEqual([]);
      }, 120_000);

    test('rolled back once all have moved: they have the old value again, and nobody is refused', async () => {
      const [old = ''] = scene.held();
      await scene.keepOld('1h');
      const ended = await scene.run('rotate', async (runId) => {
        await eventually(async () => scene.held().every((value) => value !== old));
        const decision = { kind: 'roll-back', reason: 'test' };
        await scene.installation.api.post(`/v1/runs/${runId}/decisions`, decision);
      });
      expect(ended).toMatchObject({ outcome: 'rolled-back' });
      expect(scene.held()).toEqual([old, old]);
      expect(await live()).toEqual([expect.stringMatching(/active current$/)]);
      expect(scene.refused).toEqual([]);
      await scene.keepOld('0');
    }, 120_000);

    also?.(() => ({ scene, system }));

    test('leaked: refused at once, and everybody has another one', async () => {
      const [leaked = ''] = scene.held();
      expect(await scene.run('compromise')).toMatchObject({ outcome: 'succeeded' });
      expect(await isRefused(leaked)).toBe(true);
      const [first = '', second] = scene.held();
      expect([first === leaked, first === second]).toEqual([false, true]);
      expect(await system.use(first, 'billing')).toBe(true);
      const shown = ['api', 'worker'].map((part) => scene.installation.log(part)).join('\n');
      for (const value of [leaked, first]) expect(shown).not.toContain(value);
    }, 120_000);
  });
}
