import { randomBytes } from 'node:crypto';
import { SecretValue } from '../../domain/secret-value.js';
import { withConnection } from '../../issuers/redis-acl/connection.js';
import { logsIn, urlOf } from '../issuers/redis-subject.js';
import { target, targetPatience } from '../targets/client.js';
import { readCredential } from '../targets/serving.js';
import { describeWholeLife } from './whole-life.js';

describeWholeLife(
  'redis-acl, from the first day to a leak',
  async () => {
    const redis = await target('redis');
    const url = urlOf(redis);
    const user = `app-${randomBytes(4).toString('hex')}`;
    const password = new SecretValue(readCredential(redis.passwordFile));
    return {
      issuer: () => ({ kind: 'redis-acl', urls: [url], passwordFile: redis.passwordFile }),
      specification: { user },
      first: async () => {
        const value = randomBytes(12).toString('hex');
        await withConnection({ url, user: redis.user, password, name: 'test' }, (send) =>
          send(['ACL', 'SETUSER', user, 'on', `>${value}`, '~*', '+@all']),
        );
        return value;
      },
      use: (value, name) => logsIn(url, { user, value, name }),
    };
  },
  targetPatience,
);
