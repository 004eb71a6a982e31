import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IAM } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freePort } from '../../infra/embedded/readiness.js';
import { removeUser } from '../issuers/aws-subject.js';
import { target, targetPatience } from '../targets/client.js';
import { readCredential } from '../targets/serving.js';
import { openWalk, type Walk } from './walk.js';

const own = randomBytes(4).toString('hex');
const userName = `shop-machines-${own}`;
let iam: IAM;
let walk: Walk;

beforeAll(async () => {
  const moto = await target('moto');
  const { url, region, accessKeyIdFile, secretAccessKeyFile } = moto;
  const accessKeyId = readCredential(accessKeyIdFile);
  const secretAccessKey = readCredential(secretAccessKeyFile);
  iam = new IAM({ region, endpoint: url, credentials: { accessKeyId, secretAccessKey } });
  walk = await openWalk('aws-access-key', {
    substitutions: {
      '# endpoint: http://127.0.0.1:5000': `endpoint: ${url}`,
      '# useLag: 0': 'useLag: 0',
      '# propagation: 0': 'propagation: 0',
      '/etc/rotor/aws-id': accessKeyIdFile,
      '/etc/rotor/aws-secret': secretAccessKeyFile,
      'userName: shop-machines': `userName: ${userName}`,
      'secret: shop/billing': `secret: shop-${own}/billing`,
      '8099': String(await freePort()),
    },
    environment: {
      AWS_REGION: 'eu-central-1',
      AWS_ENDPOINT_URL: url,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    },
  });
}, targetPatience);
afterAll(async () => {
  await walk.close();
  await removeUser(iam, userName);
  iam.destroy();
});

interface Key {
  readonly AccessKeyId: string;
}

function held(): Key {
  const { aws } = JSON.parse(readFileSync(join(walk.folder, 'uploader.json'), 'utf8')) as {
    aws: string;
  };
  return JSON.parse(aws) as Key;
}

async function keys(): Promise<(string | undefined)[]> {
  const { AccessKeyMetadata: found = [] } = await iam.listAccessKeys({ UserName: userName });
  return found.map(({ AccessKeyId }) => AccessKeyId);
}

test('the example of an AWS access key in two services and a CI: what its README says is what happens', async () => {
  const plan = await walk.until('rotor plan');
  expect(plan).toMatch(/wave 1 +jobs: ci\n *wave 2 +services: billing, uploader/);
  const old = held();
  const shown = await walk.until('rotor rotate');
  for (const words of [/✓ ci +v2 attested/, /✓ billing +v2 read-back/, /succeeded/])
    expect(shown).toMatch(words);
  expect(shown).toMatch(/v1 .*revoked/);
  expect(held().AccessKeyId).not.toBe(old.AccessKeyId);
  expect(await keys()).toEqual([held().AccessKeyId]);
  expect(await walk.until()).toMatch(/10:00/);
  for (const line of await walk.stop())
    expect(line).toMatch(/^(ci|billing|uploader): \d{2,} uses, 0 refused, 2 keys$/m);
});
