import { randomBytes } from 'node:crypto';
import { SecretValue } from '../../domain/secret-value.js';
import { withConnection } from '../../issuers/redis-acl/connection.js';
import { logsIn, urlOf } from '../issuers/redis-subject.js';
import { ownTarget } from '../targets/client.js';
import { readCredential } from '../targets/serving.js';
import { describeWholeLife } from './whole-life.js';

describeWholeLife(
  'redis-acl, from the first day to a leak',
  async () => {
    const server = await ownTarget('redis');
    const redis = server.address;
    const url = urlOf(redis);
    const user = `app-${randomBytes(4).toString('hex')}`;
    const password = new SecretValue(readCredential(redis.passwordFile));
    const { passwordFile } = redis;
    return {
      issuer: () => ({ kind: 'redis-acl', urls: [url], passwordFile, keptIn: 'aclfile' }),
      specification: { user },
      first: async () => {
        const value = randomBytes(12).toString('hex');
        await withConnection({ url, user: redis.user, password, name: 'test' }, (send) =>
          send(['ACL', 'SETUSER', user, 'on', `>${value}`, '~*', '+@all']),
        );
        return value;
      },
      use: (value, name) => logsIn(url, { user, value, name }),
      restart: () => server.restart(),
      close: () => server.stop(),
    };
  },
  { keeps: true, shows: false },
);
