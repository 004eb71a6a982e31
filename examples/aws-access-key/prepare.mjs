/** What somebody did years ago: an IAM user, one key, and a copy of it in AWS Secrets Manager, in a file, and in the CI. */
import { readFileSync, writeFileSync } from 'node:fs';
import { IAM } from '@aws-sdk/client-iam';
import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { parse } from 'yaml';

const declarations = readFileSync(new URL('declarations.yaml', import.meta.url), 'utf8');
const [{ specification, dependencies }] = parse(declarations).secrets;
const UserName = specification.userName;
const billing = dependencies.find(({ dependent }) => dependent === 'billing');

const iam = new IAM({});
await iam.createUser({ UserName });
const { AccessKey } = await iam.createAccessKey({ UserName });
const { AccessKeyId, SecretAccessKey } = AccessKey;
// As AWS's own `credential_process` gives a key: every SDK reads it.
const value = JSON.stringify({ Version: 1, AccessKeyId, SecretAccessKey });

await new SecretsManager({}).createSecret({
  Name: billing.destination.secret,
  SecretString: value,
});
const keep = (file, content) =>
  writeFileSync(new URL(file, import.meta.url), `${JSON.stringify(content, null, 2)}\n`, {
    mode: 0o600,
    flag: 'wx',
  });
keep('uploader.json', { bucket: 'shop-uploads', aws: value });
keep('ci.json', { uses: null, value });
