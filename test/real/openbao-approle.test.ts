import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { prepareBao } from '../issuers/openbao-subject.js';
import { ownTarget } from '../targets/client.js';
import { describeWholeLife } from './whole-life.js';

/** Programs have an address each: the audit device tells who it was by that. */
const addresses: Readonly<Record<string, string>> = {
  billing: '127.0.0.2',
  reports: '127.0.0.3',
  stranger: '127.0.0.66',
};

describeWholeLife(
  'openbao-approle, from the first day to a leak',
  async () => {
    const server = await ownTarget('openbao');
    const bao = server.address;
    const { role, ask } = await prepareBao(bao, 'audited');
    // Of somebody who comes again and again with a refused value, the whole role would be locked out.
    const lenient = { user_lockout_config: { lockout_disable: true } };
    await ask('POST', 'sys/auth/approle/tune', lenient);
    const { body } = await ask('GET', `auth/approle/role/${role}/role-id`);
    const roleId = String(body.data?.['role_id']);
    const use = (secretId: string, program: string): Promise<boolean> =>
      logIn(bao.url, { roleId, secretId, program });
    return {
      issuer: () => ({
        kind: 'openbao-approle',
        url: bao.url,
        tokenFile: bao.tokenFile,
        userLockout: false,
        audit: { file: bao.auditFile, device: 'main' },
      }),
      specification: { role },
      first: async () => {
        const made = await ask('POST', `auth/approle/role/${role}/secret-id`, {});
        return String(made.body.data?.['secret_id']);
      },
      use,
      shown: {
        as: (program) => ({ address: addresses[program] }),
        stay: (value, program) => {
          let stays = true;
          const logins = (async () => {
            while (stays) {
              await use(value, program);
              await pause(50);
            }
          })();
          const leave = (): Promise<void> => {
            stays = false;
            return logins;
          };
          return Promise.resolve({ leave });
        },
      },
      restart: () => server.restart(),
      close: () => server.stop(),
    };
  },
  { keeps: true, shows: true },
);

interface LoggingIn {
  readonly roleId: string;
  readonly secretId: string;
  readonly program: string;
}

async function logIn(url: string, { roleId, secretId, program }: LoggingIn): Promise<boolean> {
  const localAddress = addresses[program] ?? '127.0.0.1';
  const login = request(`${url}/v1/auth/approle/login`, { method: 'POST', localAddress });
  login.end(JSON.stringify({ role_id: roleId, secret_id: secretId }));
  const [response] = (await once(login, 'response')) as [IncomingMessage];
  response.resume();
  const { statusCode } = response;
  if (statusCode === 200 || statusCode === 400) return statusCode === 200;
  throw new Error(`OpenBao answered ${String(statusCode)}`);
}
