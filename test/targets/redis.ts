/** Redis of the distribution, with users in a file, so that `ACL SAVE` works; it keeps users and keys over a restart. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { aptProgram } from './obtain/apt.js';
import type { Obtained, Sources } from './obtain/sources.js';
import { credentialFile, logOf, readCredential, serve } from './serving.js';
import type { Address, Running, Site, Target } from './target.js';

export interface RedisAddress extends Address {
  readonly user: string;
  readonly passwordFile: string;
}

const name = 'redis';

export const redis: Target<typeof name, RedisAddress> = {
  name,
  version: 'of the distribution',
  obtain,
  start,
};

async function obtain(sources: Sources): Promise<Obtained> {
  const wanted = { target: name, name: 'redis-server', program: 'redis-server' };
  return { place: await aptProgram(sources, wanted) };
}

async function start(site: Site): Promise<Running<RedisAddress>> {
  const users = join(site.folder, 'users.acl');
  const password = existsSync(users) ? undefined : randomBytes(24).toString('base64url');
  if (password !== undefined) {
    credentialFile(site, 'password', password);
    const hash = createHash('sha256').update(password).digest('hex');
    credentialFile(site, 'users.acl', `user default on #${hash} ~* &* +@all\n`);
  }
  const options = { dir: site.folder, aclfile: users, bind: '127.0.0.1', appendonly: 'yes' };
  return serve({
    name,
    site,
    ports: 1,
    launch: ([port]) => ({
      command: site.obtained.place,
      args: Object.entries({ ...options, port: String(port), save: '' }).flatMap(
        ([option, value]) => [`--${option}`, value],
      ),
    }),
    probe: ([port = 0]) => open(site, port),
  });
}

async function open(site: Site, port: number): Promise<RedisAddress> {
  const passwordFile = join(site.folder, 'password');
  const told = await say(port, `AUTH default ${readCredential(passwordFile)}\r\nINFO server\r\n`);
  const version = /redis_version:(\S+)/.exec(told)?.[1];
  if (version === undefined) throw new Error('Redis does not answer');
  const log = logOf(name, site);
  return { name, version, host: '127.0.0.1', port, user: 'default', passwordFile, log };
}

async function say(port: number, words: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setTimeout(5_000, () => socket.destroy());
  socket.write(`${words}QUIT\r\n`);
  let told = '';
  for await (const part of socket) told += String(part);
  return told;
}
