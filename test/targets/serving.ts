/** A target's server process: started on free ports, guarded, waited for, killed and started again on the same ports. */
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canEnter, type Account } from '../../infra/embedded/account.js';
import { freePort, startPatiently, untilReady } from '../../infra/embedded/readiness.js';
import { startGuarded, type Guarded } from '../../infra/embedded/watchdog.js';
import type { Address, Running, Site } from './target.js';

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly account?: Account | undefined;
}

export interface Serving<A extends Address> {
  readonly name: string;
  readonly site: Site;
  /** How many ports it takes; fresh ones are tried where one was lost. */
  readonly ports: number;
  readonly launch: (ports: readonly number[]) => Launch;
  /** Rejects while it does not answer; does what every start needs (unsealing, say), and may be called again. */
  readonly probe: (ports: readonly number[]) => Promise<A>;
  readonly patience?: number;
}

export async function serve<A extends Address>(serving: Serving<A>): Promise<Running<A>> {
  const first = await startPatiently(async () => {
    const ports = await freePorts(serving.ports);
    return { ports, ...(await launchOnce(serving, ports)) };
  });
  const { ports, address } = first;
  let server = first.server;
  const kill = async (): Promise<void> => {
    if (!server.hasEnded() && server.pid !== undefined) process.kill(server.pid, 'SIGKILL');
    await server.stop();
  };
  return {
    address,
    kill,
    restart: async () => {
      await kill();
      server = (await startPatiently(() => launchOnce(serving, ports))).server;
    },
    stop: () => server.stop(),
  };
}

/** All of them are held at once, so that no two are the same. */
async function freePorts(count: number): Promise<number[]> {
  const ports = await Promise.all(Array.from({ length: count }, freePort));
  return new Set(ports).size === count ? ports : freePorts(count);
}

async function launchOnce<A extends Address>(
  serving: Serving<A>,
  ports: readonly number[],
): Promise<{ server: Guarded; address: A }> {
  const { name, site } = serving;
  site.signal.throwIfAborted();
  const log = logOf(name, site);
  const { account, environment, ...command } = serving.launch(ports);
  const server = await startGuarded({
    ...command,
    ...(environment && { environment }),
    account,
    stopSignal: 'TERM',
    log,
  });
  const giveUp = (): void => void server.stop();
  site.signal.addEventListener('abort', giveUp);
  if (site.signal.aborted) giveUp();
  let address: A | undefined;
  const probe = async (): Promise<void> => {
    address = await serving.probe(ports);
  };
  try {
    const { patience } = serving;
    await untilReady({ name, server, log, probe, ...(patience !== undefined && { patience }) });
  } finally {
    site.signal.removeEventListener('abort', giveUp);
  }
  if (address === undefined) throw new Error(`${name} gave no address`);
  return { server, address };
}

export function logOf(name: string, site: Site): string {
  return join(site.folder, `${name}.log`);
}

/** A file of mode 0600 in the site's folder. */
export function credentialFile(site: Site, name: string, value: string): string {
  const file = join(site.folder, name);
  writeFileSync(file, value, { mode: 0o600 });
  return file;
}

export function readCredential(file: string): string {
  return readFileSync(file, 'utf8').trim();
}

/** A folder below the site's that belongs to the account which the server runs under. */
export function accountFolder(site: Site, name: string, account: Account | undefined): string {
  const folder = join(site.folder, name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (account) chownSync(folder, account.uid, account.gid);
  if (canEnter(folder, account)) return folder;
  throw new Error(
    `the account that the server runs under cannot enter ${folder}: set TMPDIR to a folder that everybody may pass through`,
  );
}
