/** What the examples of `rotor import` find in stores of others: one secret each, below `shop/`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { baoAdmin } from '../connectors/bao-places.js';
import { target } from '../targets/client.js';
import { readCredential } from '../targets/serving.js';

export interface Vaults {
  readonly baoUrl: string;
  /** As the SDK's own chain takes it. */
  readonly aws: Readonly<Record<string, string>>;
}

/** The folder gets `bao-token`. */
export async function openVaults(folder: string): Promise<Vaults> {
  const [moto, bao] = [await target('moto'), await target('openbao')];
  const aws = {
    AWS_ENDPOINT_URL: moto.url,
    AWS_ACCESS_KEY_ID: readCredential(moto.accessKeyIdFile),
    AWS_SECRET_ACCESS_KEY: readCredential(moto.secretAccessKeyFile),
  };
  const admin = new SecretsManager({
    region: 'eu-central-1',
    endpoint: moto.url,
    credentials: {
      accessKeyId: aws.AWS_ACCESS_KEY_ID,
      secretAccessKey: aws.AWS_SECRET_ACCESS_KEY,
    },
  });
  await admin.createSecret({ Name: `shop/${folder.split('-').at(-1) ?? ''}` });
  admin.destroy();
  const token = readCredential(bao.tokenFile);
  writeFileSync(join(folder, 'bao-token'), token, { mode: 0o600 });
  const { ask, mount } = baoAdmin(bao);
  // There already where a test before came here.
  await mount('2', 'secret');
  await ask('POST', 'secret/data/shop/db', { data: { password: 'not looked at' } });
  return { baoUrl: bao.url, aws };
}
