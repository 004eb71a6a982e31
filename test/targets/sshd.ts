/** OpenSSH's server of the distribution, for whoever runs the tests: logged in to with a key alone. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { aptProgram } from './obtain/apt.js';
import type { Obtained, Sources } from './obtain/sources.js';
import { logOf, serve } from './serving.js';
import type { Address, Running, Site, Target } from './target.js';

export interface SshdAddress extends Address {
  readonly user: string;
  /** Of the user that may log in. */
  readonly keyFile: string;
  /** The server's public key, as it stands in known_hosts. */
  readonly hostKeyFile: string;
}

const name = 'sshd';

export const sshd: Target<typeof name, SshdAddress> = {
  name,
  version: 'of the distribution',
  obtain,
  start,
};

async function obtain(sources: Sources): Promise<Obtained> {
  const wanted = { target: name, name: 'openssh-server', program: 'sshd' };
  return { place: await aptProgram(sources, wanted) };
}

async function start(site: Site): Promise<Running<SshdAddress>> {
  for (const key of ['host', 'user']) makeKey(join(site.folder, key));
  // Where it parts from its rights; only root needs it.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  return serve({
    name,
    site,
    ports: 1,
    launch: ([port]) => ({
      command: site.obtained.place,
      args: ['-D', '-e', '-f', configuration(site, port)],
    }),
    probe: ([port = 0]) => open(site, port),
  });
}

function makeKey(file: string): void {
  if (existsSync(file)) return;
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', file]);
  chmodSync(`${file}.pub`, 0o600);
}

function configuration(site: Site, port: number | undefined): string {
  const file = join(site.folder, 'sshd_config');
  const lines = [
    'ListenAddress 127.0.0.1',
    `Port ${String(port)}`,
    `HostKey ${join(site.folder, 'host')}`,
    `AuthorizedKeysFile ${join(site.folder, 'user.pub')}`,
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'StrictModes no',
    'UsePAM no',
    'PidFile none',
    'Subsystem sftp internal-sftp',
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

async function open(site: Site, port: number): Promise<SshdAddress> {
  const version = /^SSH-2\.0-OpenSSH_(\S+)/.exec(await banner(port))?.[1];
  if (version === undefined) throw new Error('sshd does not answer');
  const own = { user: userInfo().username, keyFile: join(site.folder, 'user') };
  const hostKeyFile = join(site.folder, 'host.pub');
  return { name, version, host: '127.0.0.1', port, ...own, hostKeyFile, log: logOf(name, site) };
}

async function banner(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1').setTimeout(5_000, () => socket.destroy());
  for await (const part of socket) return String(part);
  return '';
}
