/** The secrets of a KV engine of OpenBao, of either version, below one path. */
import { z } from 'zod';
import { AdapterError } from '../../domain/errors.js';
import { dataOf, keysOf, openBao, type Bao, type BaoAccess } from '../../reach/openbao.js';
import { mountOf } from '../../reach/openbao-kv.js';

export interface KvOptions extends BaoAccess {
  readonly mount: string;
  readonly path: string;
  readonly depth: number;
  readonly signal?: AbortSignal | undefined;
}

type PassOver = (path: string, why: string) => void;

export interface Kv {
  /** Paths of secrets, folder by folder; what may not be listed, and what is too deep, is passed over. */
  paths(passOver: PassOver): AsyncGenerator<string>;
  /** Whether the path may be listed, and a secret right below it be read; none is. */
  check(): Promise<string>;
  /** Key and value of its newest version. */
  read(path: string): Promise<Readonly<Record<string, unknown>>>;
  /** The names of its keys, and what its metadata says: no value is read where OpenBao can leave it out. */
  describe(path: string): Promise<{ readonly keys: readonly string[]; readonly notes: string[] }>;
}

/** Throws AdapterError where the mount is none of KV, or may not be looked at. */
export async function openKv({ mount, path, depth, signal, ...access }: KvOptions): Promise<Kv> {
  const bao = openBao(access);
  const isSecond = (await versionOf(bao, mount, signal)) === '2';
  const plain = (what: string, below: string): string =>
    [mount, ...(isSecond ? [what] : []), below].join('/');
  const at = (what: string, below: string): string =>
    plain(what, below).split('/').map(encodeURIComponent).join('/');
  const list = async (below: string): Promise<readonly string[]> =>
    keysOf(await bao.ask({ method: 'LIST', path: at('metadata', below), signal }));
  const get = async <T>(schema: z.ZodType<T>, what: string, below: string): Promise<T> => {
    const reply = await bao.ask({ method: 'GET', path: at(what, below), signal });
    if (reply.status === 404) throw new AdapterError('not-found', 'is deleted, or has no value');
    return dataOf(schema, reply);
  };
  const read = async (below: string): Promise<Readonly<Record<string, unknown>>> =>
    isSecond ? (await get(Second, 'data', below)).data : get(Values, 'data', below);
  return {
    paths: (passOver) => walk({ list, depth, passOver }, withSlash(path)),
    read,
    async check() {
      const keys = await list(withSlash(path));
      const first = keys.find((key) => !key.endsWith('/'));
      if (first !== undefined)
        await demandRead(bao, plain('data', withSlash(path) + first), signal);
      return keys.length === 0 ? 'nothing lies there' : 'can be listed';
    },
    async describe(below) {
      if (!isSecond) return { keys: Object.keys(await read(below)), notes: [] };
      const { subkeys } = await get(Subkeys, 'subkeys', below);
      return { keys: Object.keys(subkeys), notes: notesOf(await get(Metadata, 'metadata', below)) };
    },
  };
}

const Values = z.record(z.string(), z.unknown());
const Second = z.object({ data: Values });
const Subkeys = z.object({ subkeys: Values });
const Metadata = z.object({
  created_time: z.string(),
  updated_time: z.string(),
  custom_metadata: z.record(z.string(), z.string()).nullish(),
});

function notesOf({ created_time, updated_time, custom_metadata }: z.output<typeof Metadata>) {
  const own = Object.entries(custom_metadata ?? {}).map(([key, value]) => `${key}=${value}`);
  return [
    `made ${created_time.slice(0, 10)}, last changed ${updated_time.slice(0, 10)}`,
    ...(own.length === 0 ? [] : [`metadata: ${own.join(', ')}`]),
  ];
}

async function versionOf(
  bao: Bao,
  mount: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { type, version } = await mountOf(bao, mount, { signal });
  if (type === 'kv') return version;
  throw new AdapterError('invalid-destination', `the mount ${mount} is of ${type}, and not of kv`);
}

const Capabilities = z.object({ capabilities: z.array(z.string()) });

/** OpenBao tells what a token may do without doing it; where it does not say, looking will show. */
async function demandRead(bao: Bao, path: string, signal: AbortSignal | undefined): Promise<void> {
  const body = { paths: [path] };
  const asked = { method: 'POST', path: 'sys/capabilities-self', body, signal } as const;
  const reply = await bao.ask(asked).catch(noneIfNotPermitted);
  if (reply === undefined) return;
  const { capabilities } = dataOf(Capabilities, reply);
  if (capabilities.includes('root') || capabilities.includes('read')) return;
  throw new AdapterError('not-permitted', `rotor's token may not read ${path} (capability read)`);
}

function noneIfNotPermitted(error: unknown): undefined {
  if (!(error instanceof AdapterError) || error.code !== 'not-permitted') throw error;
}

/** Below a folder, and not what is called alike. */
export function withSlash(path: string): string {
  return path === '' || path.endsWith('/') ? path : `${path}/`;
}

interface Walk {
  readonly list: (path: string) => Promise<readonly string[]>;
  readonly depth: number;
  readonly passOver: PassOver;
}

async function* walk({ list, depth, passOver }: Walk, folder: string): AsyncGenerator<string> {
  const keys = await list(folder).catch((error: unknown) => {
    if (!(error instanceof AdapterError) || error.code !== 'not-permitted') throw error;
    passOver(folder, error.message);
    return [];
  });
  for (const key of keys) {
    const path = `${folder}${key}`;
    if (!key.endsWith('/')) yield path;
    else if (depth <= 0) passOver(path, 'is too deep');
    else yield* walk({ list, depth: depth - 1, passOver }, path);
  }
}
