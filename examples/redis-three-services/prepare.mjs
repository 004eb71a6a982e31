/** What somebody did years ago: a Redis user, one password for three services, a copy in each of their files. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createClient } from '@redis/client';
import { parse } from 'yaml';

const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');
const { cache } = parse(read('rotor.yaml')).issuers;
const [{ specification }] = parse(read('declarations.yaml')).secrets;
const [url] = cache.urls;
const username = specification.user;
const password = randomBytes(18).toString('base64url');

const admin = createClient({
  url,
  username: cache.user,
  password: readFileSync(cache.passwordFile, 'utf8').trim(),
});
await admin.connect();
const users = await admin.sendCommand(['ACL', 'USERS']);
if (users.includes(username)) throw new Error(`there is a user ${username} already: leave it`);
await admin.sendCommand(['ACL', 'SETUSER', username, 'on', `>${password}`, '~shop:*', '+@all']);
await admin.close();

for (const service of ['reports', 'checkout', 'search']) {
  const lines = `REDIS_URL=${url}\nREDIS_USER=${username}\nREDIS_PASSWORD=${password}\n`;
  writeFileSync(new URL(`${service}.env`, import.meta.url), lines, { mode: 0o600, flag: 'wx' });
}
