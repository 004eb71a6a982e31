/** RabbitMQ of the distribution, with its management API and an epmd of its own; it keeps users and durable queues over a restart. */
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync } from 'node:fs';
import { connect } from 'node:net';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { accountNamed, type Account } from '../../infra/embedded/account.js';
import { expectOk } from './http.js';
import { aptProgram } from './obtain/apt.js';
import type { Obtained, Sources } from './obtain/sources.js';
import { accountFolder, credentialFile, logOf, readCredential, serve } from './serving.js';
import type { Address, Running, Site, Target } from './target.js';

export interface RabbitMqAddress extends Address {
  /** Of the management API; `port` is the one for AMQP. */
  readonly url: string;
  readonly user: string;
  readonly passwordFile: string;
}

const name = 'rabbitmq';
const administrator = 'rotor-admin';
const localOnly = '-kernel inet_dist_use_interface {127,0,0,1}';
/** Its schedulers wait without spinning: other tests need the machine. */
const idleSleeps = '+sbwt none +sbwtdcpu none +sbwtdio none';

export const rabbitmq: Target<typeof name, RabbitMqAddress> = {
  name,
  version: 'of the distribution',
  obtain,
  start,
};

/** The one on PATH may be a wrapper that runs as one account only; what it wraps lies beside. */
async function obtain(sources: Sources): Promise<Obtained> {
  const wanted = { target: name, name: 'rabbitmq-server', program: 'rabbitmq-server' };
  const found = await aptProgram(sources, wanted);
  const wrapped = join(dirname(found), '..', 'lib', 'rabbitmq', 'bin', 'rabbitmq-server');
  return { place: existsSync(wrapped) ? wrapped : found };
}

interface Home {
  readonly folder: string;
  readonly account: Account | undefined;
  readonly password: string;
}

async function start(site: Site): Promise<Running<RabbitMqAddress>> {
  const account = process.getuid?.() === 0 ? accountNamed('rabbitmq') : undefined;
  const folder = accountFolder(site, 'home', account);
  const passwordFile = join(site.folder, 'password');
  if (!existsSync(passwordFile))
    credentialFile(site, 'password', randomBytes(24).toString('base64url'));
  const home = { folder, account, password: readCredential(passwordFile) };
  const names = await startNames(site, account);
  const server = await startServer(site, home, names.address.port).catch(async (error: unknown) => {
    await names.stop();
    throw error;
  });
  return {
    ...server,
    stop: async () => {
      await server.stop();
      await names.stop();
    },
  };
}

/** Left alone, the server would start an epmd that outlives it. */
function startNames(site: Site, account: Account | undefined): Promise<Running> {
  return serve({
    name: 'epmd',
    site,
    ports: 1,
    launch: ([port]) => ({
      command: 'epmd',
      args: ['-port', String(port), '-address', '127.0.0.1'],
      account,
    }),
    probe: async ([port = 0]) => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.destroy();
      return { name: 'epmd', version: '', host: '127.0.0.1', port, log: logOf('epmd', site) };
    },
  });
}

function startServer(site: Site, home: Home, names: number): Promise<Running<RabbitMqAddress>> {
  return serve({
    name,
    site,
    ports: 3,
    patience: 120_000,
    launch: (ports) => ({
      command: site.obtained.place,
      args: [],
      account: home.account,
      environment: environment(site, home, [...ports, names]),
    }),
    probe: ([port = 0, management]) =>
      open(site, { port, url: `http://127.0.0.1:${String(management)}` }, home.password),
  });
}

/** RUNNING_UNDER_SYSTEMD makes the start script become the server, so that its process id is the server's. */
function environment(
  site: Site,
  home: Home,
  [port = 0, management, distribution, names]: readonly number[],
): Record<string, string> {
  const { folder } = home;
  const lines = [
    `default_user = ${administrator}`,
    `default_pass = ${home.password}`,
    'management.tcp.ip = 127.0.0.1',
    `management.tcp.port = ${String(management)}`,
    'log.console = true',
    'log.file = false',
    'disk_free_limit.absolute = 50MB',
  ];
  return {
    HOME: folder,
    RUNNING_UNDER_SYSTEMD: 'true',
    ERL_EPMD_PORT: String(names),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: 'rotor@localhost',
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `${localOnly} ${idleSleeps}`,
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'no-environment-of-the-machine'),
    RABBITMQ_CONFIG_FILE: given(site, home, ['rabbitmq.conf', `${lines.join('\n')}\n`]),
    RABBITMQ_ENABLED_PLUGINS_FILE: given(site, home, ['plugins', '[rabbitmq_management].\n']),
  };
}

/** A file that the server's account may read. */
function given(site: Site, { account }: Home, [file, text]: [string, string]): string {
  const path = credentialFile(site, file, text);
  if (account) chownSync(path, account.uid, account.gid);
  return path;
}

interface Ports {
  readonly port: number;
  readonly url: string;
}

async function open(site: Site, { port, url }: Ports, password: string): Promise<RabbitMqAddress> {
  const credentials = Buffer.from(`${administrator}:${password}`).toString('base64');
  const headers = { authorization: `Basic ${credentials}` };
  const told = JSON.parse(await expectOk(`${url}/api/overview`, { headers })) as {
    rabbitmq_version: string;
  };
  await expectOk(`${url}/api/health/checks/port-listener/${String(port)}`, { headers });
  return {
    ...{ name, version: told.rabbitmq_version, host: '127.0.0.1', port, url },
    user: administrator,
    passwordFile: join(site.folder, 'password'),
    log: logOf(name, site),
  };
}
