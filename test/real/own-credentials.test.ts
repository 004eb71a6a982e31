import { expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { prepareAws } from '../issuers/aws-subject.js';
import { prepareBao } from '../issuers/openbao-subject.js';
import {
  eventually,
  openInstallation,
  quick,
  type Installation,
  type Row,
} from '../faults/installation.js';
import { target, targetPatience } from '../targets/client.js';

/** What rotor logs in with at the system is a secret there like any other, and rotor one of its dependents. */
interface Own {
  /** Of the instance in rotor.yaml; `file` is where its login lies. */
  issuer(file: string): object;
  readonly specification: object;
  first(): Promise<string>;
  works(value: string): Promise<boolean>;
  close(): Promise<void>;
}

async function aws(): Promise<Own> {
  const { options, user, admin, use, close } = await prepareAws(await target('moto'));
  const { region, endpoint } = options as { region: string; endpoint: string };
  const all = { Effect: 'Allow', Action: 'iam:*', Resource: '*' };
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [all] });
  await admin.putUserPolicy({ UserName: user, PolicyName: 'own', PolicyDocument });
  return {
    issuer: (accessKeyFile) => ({
      ...{ kind: 'aws-iam-access-key', region, endpoint, accessKeyFile },
      ...{ useLag: '0', propagation: '0' },
    }),
    specification: { userName: user },
    first: async () => {
      const { AccessKey: key } = await admin.createAccessKey({ UserName: user });
      const { AccessKeyId, SecretAccessKey } = key ?? {};
      return JSON.stringify({ Version: 1, AccessKeyId, SecretAccessKey });
    },
    works: (value) => use(value, 'test'),
    close,
  };
}

/** Its own AppRole: the token that a dead secret-id opened is ended, and rotor logs in with the new one. */
async function openbao(): Promise<Own> {
  const server = await target('openbao');
  const { role, ask, use, close } = await prepareBao(server, 'sampled');
  const policy = `path "auth/*" { capabilities = ["create","read","update","delete","list","sudo"] }`;
  await ask('POST', `sys/policies/acl/${role}`, { policy });
  await ask('POST', `auth/approle/role/${role}`, { token_policies: [role], token_ttl: '20m' });
  const { body } = await ask('GET', `auth/approle/role/${role}/role-id`);
  const roleId = String(body.data?.['role_id']);
  return {
    issuer: (secretIdFile) => {
      const roleIdFile = join(dirname(secretIdFile), 'role-id');
      writeFileSync(roleIdFile, roleId, { mode: 0o600 });
      return { kind: 'openbao-approle', url: server.url, appRole: { roleIdFile, secretIdFile } };
    },
    specification: { role },
    first: async () => {
      const made = await ask('POST', `auth/approle/role/${role}/secret-id`, {});
      return String(made.body.data?.['secret_id']);
    },
    works: (value) => use(value, 'test'),
    close,
  };
}

test.each([
  ['AWS', aws],
  ['OpenBao', openbao],
] as const)(
  "rotor's own login at %s is rotated by rotor, again and again, and picked up without a restart",
  async (_, open) => {
    const own = await open();
    const installation = await openInstallation((_owner, folder) => ({
      real: own.issuer(join(folder, 'own-login')),
    }));
    const file = join(installation.folder, 'own-login');
    writeFileSync(file, await own.first(), { mode: 0o600 });
    const used = [await adoptOwn(installation, { file, specification: own.specification })];
    for (const round of [1, 2]) {
      expect(await rotate(installation)).toMatchObject({ outcome: 'succeeded' });
      used.push(readFileSync(file, 'utf8'));
      expect(await own.works(used[round] ?? '')).toBe(true);
      expect(await own.works(used[round - 1] ?? '')).toBe(false);
    }
    expect(new Set(used).size).toBe(3);
    await installation.close();
    await own.close();
  },
  targetPatience,
);

async function adoptOwn(
  installation: Installation,
  { file, specification }: { readonly file: string; readonly specification: object },
): Promise<string> {
  installation.start('api');
  installation.start('worker');
  await installation.ready();
  await installation.apply({
    organization: 'acme',
    policies: [
      {
        ...quick,
        disablePeriod: '0',
        acceptUnseenUse: { by: 'test', reason: 'own' },
        openUse: { wait: '100ms', then: 'end' },
      },
    ],
    dependents: [{ name: 'rotor', owner: 'platform' }],
    secrets: [
      {
        name: 'own',
        issuer: 'real',
        owner: 'platform',
        policy: quick.name,
        specification,
        dependencies: [
          {
            dependent: 'rotor',
            connector: 'text-file',
            destination: { file },
            leastEvidence: 'read-back',
            picksUpWithin: '0',
          },
        ],
      },
    ],
  });
  const value = readFileSync(file, 'utf8');
  await installation.api.post('/v1/secrets/acme/own/adopt', { value });
  return value;
}

async function rotate({ api }: Installation): Promise<Row> {
  const asked = { kind: 'rotate', reason: 'test' };
  const { runId } = await api.post<{ runId: string }>('/v1/secrets/acme/own/runs', asked);
  const look = async (): Promise<Row> => (await api.get<{ run: Row }>(`/v1/runs/${runId}`)).run;
  await eventually(async () => (await look())['state'] === 'ended').catch(async () => {
    throw new Error(`the run does not end: ${JSON.stringify(await look())}`);
  });
  return look();
}
