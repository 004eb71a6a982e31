/** MariaDB of the distribution, on an empty data folder; it keeps its data over a restart. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { accountNamed, type Account } from '../../infra/embedded/account.js';
import { certificateFor } from '../connectors/certificate.js';
import { aptProgram } from './obtain/apt.js';
import { searchPath, type Obtained, type Sources } from './obtain/sources.js';
import { accountFolder, credentialFile, logOf, serve } from './serving.js';
import type { Address, Running, Site, Target } from './target.js';

export interface MariaDbAddress extends Address {
  readonly user: string;
  readonly passwordFile: string;
  /** The server's own certificate, which is its authority. */
  readonly certificate: string;
}

const name = 'mariadb';
const administrator = 'rotor_admin';

export const mariadb: Target<typeof name, MariaDbAddress> = {
  name,
  version: 'of the distribution',
  obtain,
  start,
};

async function obtain(sources: Sources): Promise<Obtained> {
  const wanted = { target: name, name: 'mariadb-server' };
  await aptProgram(sources, { ...wanted, program: 'mariadb-install-db' });
  return { place: await aptProgram(sources, { ...wanted, program: 'mariadbd' }) };
}

async function start(site: Site): Promise<Running<MariaDbAddress>> {
  const account = process.getuid?.() === 0 ? accountNamed('mysql') : undefined;
  const data = accountFolder(site, 'data', account);
  const statements = join(site.folder, 'first.sql');
  const [certificate, key] = [certificateOf(site), join(site.folder, 'tls.key')];
  if (!existsSync(statements)) await install(site, { data, account, statements, key });
  return serve({
    name,
    site,
    ports: 1,
    launch: ([port]) => ({
      command: site.obtained.place,
      account,
      args: [
        ...['--no-defaults', `--datadir=${data}`, `--init-file=${statements}`],
        ...[`--port=${String(port)}`, '--bind-address=127.0.0.1', '--skip-log-bin'],
        ...[`--socket=${join(data, 'server.sock')}`, `--pid-file=${join(data, 'server.pid')}`],
        ...['--plugin-load-add=auth_ed25519', `--ssl-cert=${certificate}`, `--ssl-key=${key}`],
      ],
    }),
    probe: ([port = 0]) => open(site, port),
  });
}

interface Installing {
  readonly data: string;
  readonly account: Account | undefined;
  readonly statements: string;
  readonly key: string;
}

function certificateOf({ folder }: Site): string {
  return join(folder, 'tls.pem');
}

/** Root comes without a password: it goes, and an administrator of ours comes, before anybody is served. */
async function install(site: Site, { data, account, statements, key }: Installing): Promise<void> {
  const { signal } = site;
  const args = ['--no-defaults', `--datadir=${data}`, '--skip-test-db'];
  args.push('--auth-root-authentication-method=normal');
  const env = { ...process.env, PATH: searchPath() };
  const options = { env, cwd: data, signal, ...account };
  await promisify(execFile)('mariadb-install-db', args, options);
  const password = randomBytes(24).toString('base64url');
  credentialFile(site, 'password', password);
  const lines = [
    `delete from mysql.global_priv where User = 'root';`,
    'flush privileges;',
    `create or replace user ${administrator}@'%' identified by '${password}';`,
    `grant all on *.* to ${administrator}@'%' with grant option;`,
  ];
  credentialFile(site, 'first.sql', `${lines.join('\n')}\n`);
  const made = certificateFor('localhost');
  writeFileSync(certificateOf(site), made.cert);
  credentialFile(site, 'tls.key', made.key);
  for (const file of account ? [statements, key] : [])
    chownSync(file, account?.uid ?? 0, account?.gid ?? 0);
}

/** The greeting comes after the first statements have run, and tells the version. */
async function open(site: Site, port: number): Promise<MariaDbAddress> {
  const socket = connect(port, '127.0.0.1').setTimeout(5_000, () => {
    socket.destroy(new Error('MariaDB does not greet'));
  });
  const [greeting] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  const version = /^(?:5\.5\.5-)?([\d.]+)-MariaDB/.exec(greeting.toString('latin1', 5))?.[1];
  if (version === undefined) throw new Error('MariaDB greets in a way that we do not know');
  const log = logOf(name, site);
  const passwordFile = join(site.folder, 'password');
  const [user, certificate] = [administrator, certificateOf(site)];
  return { name, version, host: '127.0.0.1', port, user, passwordFile, certificate, log };
}
