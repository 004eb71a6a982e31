/** What somebody did years ago: a client whose secret a service and a partner have. And the realm's policy, which lets two secrets live. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { parse } from 'yaml';

const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');
const { url, realm, login, loginRealm } = parse(read('rotor.yaml')).issuers.sso;
const { clientId } = parse(read('declarations.yaml')).secrets[0].specification;
const secret = randomBytes(18).toString('base64url');

async function token() {
  const body = new URLSearchParams({
    grant_type: 'password',
    client_id: 'admin-cli',
    username: login.user,
    password: readFileSync(login.passwordFile, 'utf8').trim(),
  });
  const where = `${url}/realms/${loginRealm}/protocol/openid-connect/token`;
  return (await (await fetch(where, { method: 'POST', body })).json()).access_token;
}

/** Each time with a new token: one that is older than the realm has no rights in it. */
async function ask(method, path, body) {
  const headers = { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' };
  const asked = { method, headers, body: JSON.stringify(body) };
  const { ok, status } = await fetch(`${url}/admin/realms${path}`, asked);
  if (!ok) throw new Error(`Keycloak answers ${status} to ${method} ${path}`);
}

const days = (count) => String(count * 86_400);
await ask('POST', '', { realm, enabled: true });
const rotation = {
  executor: 'secret-rotation',
  configuration: {
    'expiration-period': days(90),
    'rotated-expiration-period': days(14),
    'remaining-rotation-period': days(1),
  },
};
await ask('PUT', `/${realm}/client-policies/profiles`, {
  profiles: [{ name: 'two-secrets', executors: [rotation] }],
});
const confidential = {
  condition: 'client-access-type',
  configuration: { type: ['confidential'] },
};
await ask('PUT', `/${realm}/client-policies/policies`, {
  policies: [
    { name: 'two-secrets', enabled: true, conditions: [confidential], profiles: ['two-secrets'] },
  ],
});
await ask('POST', `/${realm}/clients`, { clientId, secret, serviceAccountsEnabled: true });

const tokenUrl = `${url}/realms/${realm}/protocol/openid-connect/token`;
for (const name of ['checkout', 'partner']) {
  const lines = `TOKEN_URL=${tokenUrl}\nCLIENT_ID=${clientId}\nCLIENT_SECRET=${secret}\n`;
  writeFileSync(new URL(`${name}.env`, import.meta.url), lines, { mode: 0o600, flag: 'wx' });
}
