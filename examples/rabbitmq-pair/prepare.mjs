/** What somebody did years ago: a virtual host, a user with a password, its URL in the files of two programs. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { parse } from 'yaml';

const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');
const { queue } = parse(read('rotor.yaml')).issuers;
const { user, vhost } = parse(read('declarations.yaml')).secrets[0].specification;
const password = randomBytes(18).toString('base64url');
const login = `${queue.user}:${readFileSync(queue.passwordFile, 'utf8').trim()}`;

async function ask(method, path, body) {
  const authorization = `Basic ${Buffer.from(login).toString('base64')}`;
  const headers = { authorization, 'content-type': 'application/json' };
  return fetch(`${queue.url}/api/${path}`, { method, headers, body: body && JSON.stringify(body) });
}

async function put(path, body) {
  const { ok, status } = await ask('PUT', path, body);
  if (!ok) throw new Error(`RabbitMQ answers ${status} to ${path}`);
}

if ((await ask('GET', `users/${user}`)).ok)
  throw new Error(`there is a user ${user} already: leave it`);
await put(`vhosts/${vhost}`);
await put(`users/${user}`, { password, tags: '' });
await put(`permissions/${vhost}/${user}`, { configure: '^orders$', write: '.*', read: '^orders$' });

const url = new URL(`/${vhost}`, queue.amqpUrl);
Object.assign(url, { username: user, password });
for (const program of ['publisher', 'consumer']) {
  const file = new URL(`${program}.env`, import.meta.url);
  writeFileSync(file, `AMQP_URL=${url.href}\n`, { mode: 0o600, flag: 'wx' });
}
