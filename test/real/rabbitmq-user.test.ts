import { setTimeout as pause } from 'node:timers/promises';
import { leave } from '../../issuers/rabbitmq-user/login.js';
import { connection, prepareRabbit } from '../issuers/rabbitmq-subject.js';
import { ownTarget } from '../targets/client.js';
import { describeWholeLife } from './whole-life.js';

describeWholeLife(
  'rabbitmq-user, from the first day to a leak',
  async () => {
    const server = await ownTarget('rabbitmq');
    const { options, user, vhost, ask, use } = await prepareRabbit(server.address);
    return {
      issuer: () => ({ kind: 'rabbitmq-user', ...options }),
      specification: { user, vhost },
      // As everybody does before: one user, with a password.
      first: async () => {
        await ask('PUT', `users/${user}`, { password: 'from before', tags: 'team-a' });
        const login = `${user}:${encodeURIComponent('from before')}@`;
        const url = String(options['amqpUrl']).replace('://', `://${login}`);
        return `${url}/${encodeURIComponent(vhost)}`;
      },
      use,
      shown: {
        as: (program) => ({ name: program }),
        stay: async (value, program) => {
          const open = await connection(value, program);
          // The server's statistics know it then.
          await pause(6_000);
          // What is seen in samples may be ended before, as `openUse` says.
          return { leave: () => leave(open).catch(() => undefined) };
        },
      },
      restart: () => server.restart(),
      close: () => server.stop(),
    };
  },
  { keeps: true, shows: true },
);
