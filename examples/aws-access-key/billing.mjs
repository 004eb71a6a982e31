/** A service that reads its key from AWS Secrets Manager, with its machine's own login, and keeps it for a second. */
import { readFileSync } from 'node:fs';
import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { parse } from 'yaml';
import { callOften } from './use.mjs';

const declarations = readFileSync(new URL('declarations.yaml', import.meta.url), 'utf8');
const [{ dependencies }] = parse(declarations).secrets;
const billing = dependencies.find(({ dependent }) => dependent === 'billing');
const vault = new SecretsManager({});
// Yours may be minutes: say so in `picksUpWithin`.
const keptMs = 1_000;

let held = { value: '', until: 0 };
await callOften('billing', async () => {
  if (held.until > Date.now()) return held.value;
  const { SecretString } = await vault.getSecretValue({ SecretId: billing.destination.secret });
  held = { value: SecretString, until: Date.now() + keptMs };
  return held.value;
});
