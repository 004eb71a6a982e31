import { randomBytes } from 'node:crypto';
import { SecretValue } from '../../domain/secret-value.js';
import { withConnection } from '../../issuers/mariadb-user/connection.js';
import { logsIn, optionsOf, serverOf } from '../issuers/mariadb-subject.js';
import { target, targetPatience } from '../targets/client.js';
import { readCredential } from '../targets/serving.js';
import { describeWholeLife } from './whole-life.js';

describeWholeLife(
  'mariadb-user, from the first day to a leak',
  async () => {
    const mariadb = await target('mariadb');
    const server = serverOf(mariadb);
    const user = `app-${randomBytes(4).toString('hex')}`;
    const password = new SecretValue(readCredential(mariadb.passwordFile));
    return {
      issuer: () => ({ kind: 'mariadb-user', ...optionsOf(mariadb) }),
      specification: { user },
      first: async () => {
        const value = randomBytes(12).toString('hex');
        await withConnection({ server, user: mariadb.user, password }, ({ ask }) =>
          ask(`create user \`${user}\`@'%' identified by '${value}'`),
        );
        return value;
      },
      use: (value) => logsIn(server, user, value),
    };
  },
  targetPatience,
);
