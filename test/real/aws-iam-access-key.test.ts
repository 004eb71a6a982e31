import { expect, test } from '@jest/globals';
import { eventually } from '../faults/installation.js';
import { prepareAws } from '../issuers/aws-subject.js';
import { target } from '../targets/client.js';
import { describeWholeLife } from './whole-life.js';

describeWholeLife(
  'aws-iam-access-key, from the first day to a leak',
  async () => {
    const { options, user, admin, use, close } = await prepareAws(await target('moto'));
    return {
      // It notes a use at once, and a change too.
      issuer: () => ({
        kind: 'aws-iam-access-key',
        useLag: 0,
        propagation: 0,
        ...options,
      }),
      specification: { userName: user },
      first: async () => {
        const { AccessKey: key } = await admin.createAccessKey({ UserName: user });
        const { AccessKeyId, SecretAccessKey } = key ?? {};
        return JSON.stringify({ Version: 1, AccessKeyId, SecretAccessKey });
      },
      use,
      close,
    };
  },
  // moto forgets everything over a restart.
  {
    keeps: false,
    shows: false,
    also: (living) => {
      test('disabled by hand first, where nobody sees who is refused: roll-back enables it again, and else it ends by the time alone', async () => {
        const { scene, system } = living();
        const [old = ''] = scene.held();
        const isAccepted = (): Promise<boolean> => system.use(old, 'somebody');
        await scene.differ({ allowManualDisable: true, disablePeriod: '1h' });
        const ended = await scene.run('rotate', async (runId) => {
          await eventually(async () => (await scene.versions()).join().includes('disabled'));
          expect(await isAccepted()).toBe(false);
          const decision = { kind: 'roll-back', reason: 'somebody called' };
          await scene.installation.api.post(`/v1/runs/${runId}/decisions`, decision);
        });
        expect(ended).toMatchObject({ outcome: 'rolled-back' });
        expect([await isAccepted(), scene.held()]).toEqual([true, [old, old]]);
        expect(scene.refused).toEqual([]);
        await scene.differ({ allowManualDisable: true, disablePeriod: '500ms' });
        expect(await scene.run('rotate')).toMatchObject({ outcome: 'succeeded' });
        expect(await isAccepted()).toBe(false);
        expect(scene.refused).toEqual([]);
        await scene.differ({});
      }, 120_000);
    },
  },
);
