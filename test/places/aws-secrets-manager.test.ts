import { randomUUID } from 'node:crypto';
import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { awsSecretsManager } from '../../places/aws-secrets-manager/index.js';
import { target, targetPatience } from '../targets/client.js';
import type { AddressOf } from '../targets/index.js';
import { readCredential } from '../targets/serving.js';
import { look } from './looking.js';

let moto: AddressOf<'moto'>;
let admin: SecretsManager;
beforeAll(async () => {
  moto = await target('moto');
  admin = new SecretsManager({
    region: moto.region,
    endpoint: moto.url,
    credentials: {
      accessKeyId: readCredential(moto.accessKeyIdFile),
      secretAccessKey: readCredential(moto.secretAccessKeyFile),
    },
  });
}, targetPatience);
afterAll(() => admin.destroy());

function open(options: object) {
  const { region, url: endpoint, accessKeyIdFile, secretAccessKeyFile } = moto;
  const login = { accessKeyIdFile, secretAccessKeyFile };
  return awsSecretsManager.open(
    awsSecretsManager.options.parse({ region, endpoint, ...login, ...options }),
  );
}

test('secrets of the prefix are read, page by page; bytes are said to be none', async () => {
  const prefix = `app-${randomUUID()}/`;
  const needle = `needle-${randomUUID()}`;
  const names = Array.from({ length: 105 }, (_, index) => `${prefix}${String(index + 100)}`);
  for (const Name of names)
    await admin.createSecret({ Name, SecretString: Name.endsWith('/204') ? needle : 'nothing' });
  await admin.createSecret({ Name: `other-${prefix}x`, SecretString: needle });
  await admin.createSecret({ Name: `${prefix}bytes`, SecretBinary: Buffer.from(needle) });
  const { met, passedOver, told } = await look(open({ prefix }), needle);
  expect(told).toBe('106 secrets, what is in use of each');
  expect(met.map(({ spot }) => spot)).toEqual([
    {
      identity: `${moto.region} ${prefix}204`,
      declare: { connector: 'aws-secrets-manager', destination: { secret: `${prefix}204` } },
    },
  ]);
  expect(passedOver).toEqual([`${moto.region} ${prefix}bytes: holds bytes, and no text`]);
  const check = (options: object) => open(options).check(AbortSignal.timeout(10_000));
  expect(await check({ prefix })).toBe('can be listed');
  expect(await check({ prefix: `none-${prefix}` })).toBe('lists no secret of that name');
  const some = await look(open({ prefix, mostSecrets: 3 }), needle);
  expect(some.passedOver).toEqual([`${moto.region} ${prefix}: the rest after 3 secrets`]);
});

test('an account that is away cannot be looked at', async () => {
  const away = open({ endpoint: 'http://127.0.0.1:9' });
  await expect(look(away, 'x')).rejects.toMatchObject({ code: 'unreachable' });
  await expect(away.check(AbortSignal.timeout(10_000))).rejects.toMatchObject({
    code: 'unreachable',
  });
});
