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
  { keeps: false, shows: false },
);
