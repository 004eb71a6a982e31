/** What the first start on a machine makes: keys, tokens of its parts, and a configuration to go on from. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePort, isFree } from '../../infra/embedded/readiness.js';
import { hasCode } from '../../infra/error-code.js';
import { createKeyFile } from '../../infra/key-file.js';
import type { ApiConfiguration } from '../../schemas/configuration.js';

export interface FirstStart {
  /** Folders that files may be written in. */
  readonly roots: readonly string[];
  readonly port?: number;
}

/** Leaves what exists as it is. */
export async function prepareState(stateFolder: string, wanted: FirstStart): Promise<void> {
  mkdirSync(join(stateFolder, 'log'), { recursive: true });
  const { adminTokenFile, webhookKeyFile } = makeSecrets(
    stateFolder,
    join(stateFolder, 'keys.json'),
  );
  const file = join(stateFolder, 'rotor.yaml');
  if (existsSync(file)) return;
  const port = wanted.port ?? (await usualPort());
  const roots = { roots: wanted.roots };
  const configuration = {
    issuers: {
      main: { kind: 'client-secrets', url: `http://127.0.0.1:${port}`, adminTokenFile },
    },
    connectors: {
      dotenv: roots,
      'human-task': {},
      'json-file': roots,
      'text-file': roots,
      'yaml-file': roots,
      webhook: { keyFile: webhookKeyFile },
    },
    api: { host: '127.0.0.1', port, authority: { adminTokenFile } },
  };
  const head = '# Made by the first start; yours to change.\n';
  writeFileSync(file, `${head}${stringify(configuration)}`, { mode: 0o600 });
}

/** Keys and tokens of rotor's own parts, each in a file that only its owner reads; what exists stays. */
export function makeSecrets(
  stateFolder: string,
  keyFile: string,
): { readonly adminTokenFile: string; readonly webhookKeyFile: string } {
  createKeyFile(keyFile);
  return {
    adminTokenFile: secretFile(stateFolder, 'authority-token'),
    webhookKeyFile: secretFile(stateFolder, 'webhook-key'),
  };
}

export interface LocalApi {
  readonly api: Pick<ApiConfiguration, 'host' | 'port' | 'tls'>;
  readonly tokenFile: string;
}

/** Leaves for the command line on this machine where the API is; returns its URL. */
export function tellApi(stateFolder: string, { api, tokenFile }: LocalApi): string {
  const everywhere = api.host === '0.0.0.0' || api.host === '::';
  const scheme = api.tls === undefined ? 'http' : 'https';
  const url = `${scheme}://${everywhere ? '127.0.0.1' : api.host}:${api.port}`;
  writeFileSync(join(stateFolder, 'api.json'), JSON.stringify({ url, tokenFile }), { mode: 0o600 });
  return url;
}

export function usualRoots(): string[] {
  return [...new Set([process.cwd(), homedir()])];
}

function secretFile(folder: string, name: string): string {
  const file = join(folder, name);
  try {
    writeFileSync(file, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  return file;
}

export function readSecret(folder: string, name: string): string {
  return readFileSync(join(folder, name), 'utf8').trim();
}

const preferredPort = 7600;

/** Or any: two checkouts on one machine do not fight. */
async function usualPort(): Promise<number> {
  return (await isFree(preferredPort)) ? preferredPort : freePort();
}
