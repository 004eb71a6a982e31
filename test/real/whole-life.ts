/** What every issuer owes to its users, from a credential that is older than rotor to a leak; against the real system. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openRealScene, type RealScene, type RealSystem } from './scene.js';

/** `system` is opened first, and may take as long as `patience` says. */
export function describeWholeLife(
  name: string,
  open: () => Promise<RealSystem>,
  patience = 60_000,
): void {
  describe(name, () => {
    let system: RealSystem;
    let scene: RealScene;
    beforeAll(async () => {
      system = await open();
      scene = await openRealScene(system);
    }, patience + 60_000);
    afterAll(() => scene.close(), 60_000);

    const isRefused = async (value: string): Promise<boolean> =>
      !(await system.use(value, 'somebody').catch(() => false));

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
      const live = (await scene.versions()).filter((one) => !/revoked|ended/.test(one));
      expect(live).toHaveLength(1);
      expect(scene.refused).toEqual([]);
    }, 120_000);

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
