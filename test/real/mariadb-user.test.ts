import { randomBytes } from 'node:crypto';
import { SecretValue } from '../../domain/secret-value.js';
import { withConnection } from '../../issuers/mariadb-user/connection.js';
import { logsIn, serverOf } from '../issuers/mariadb-subject.js';
import { ownTarget } from '../targets/client.js';
import { readCredential } from '../targets/serving.js';
import { describeWholeLife } from './whole-life.js';

describeWholeLife(
  'mariadb-user, from the first day to a leak',
  async () => {
    const running = await ownTarget('mariadb');
    const { host, port, passwordFile, user: administrator } = running.address;
    const server = serverOf(running.address);
    const user = `app-${randomBytes(4).toString('hex')}`;
    const password = new SecretValue(readCredential(passwordFile));
    return {
      issuer: () => ({
        kind: 'mariadb-user',
        ...{ host, port, user: administrator, passwordFile, tls: false },
      }),
      specification: { user },
      first: async () => {
        const value = randomBytes(12).toString('hex');
        await withConnection({ server, user: administrator, password }, ({ ask }) =>
          ask(`create user \`${user}\`@'%' identified by '${value}'`),
        );
        return value;
      },
      use: (value) => logsIn(server, user, value),
      restart: () => running.restart(),
      close: () => running.stop(),
    };
  },
  { keeps: true, shows: false },
);
