/** One secret of a KV mount of OpenBao (version 2), by its versions; a write names the version that it follows. */
import { z } from 'zod';
import { AdapterError } from '../domain/errors.js';
import type { JsonReply } from './json-api.js';
import { dataOf, type Bao, type BaoCall } from './openbao.js';

export interface KvState {
  /** 0 where nothing was ever written. */
  readonly current: number;
  /** Neither destroyed nor deleted, the newest first. */
  readonly readable: readonly number[];
  readonly notes: Readonly<Record<string, string>>;
}

export type KvFields = Readonly<Record<string, unknown>>;

export interface KvSecret {
  /** Undefined where there is no such secret. */
  look(): Promise<KvState | undefined>;
  /** Undefined where the version was deleted or destroyed. */
  read(version: number): Promise<KvFields | undefined>;
  /** Both throw `changed-meanwhile` where the current version is not `after`. */
  write(fields: KvFields, after: number): Promise<void>;
  /** The fields that are not named stay. */
  merge(fields: KvFields, after: number): Promise<void>;
  /** In its custom metadata, for people; null removes one. */
  note(notes: Readonly<Record<string, string | null>>): Promise<void>;
  destroy(versions: readonly number[]): Promise<void>;
  /** All of it, with its past; absent is fine. */
  remove(): Promise<void>;
}

export interface KvPlace {
  readonly mount: string;
  readonly path: string;
  readonly signal?: AbortSignal | undefined;
}

/** How a key of a secret is spelled, wherever it is met. */
export function kvIdentity(
  { mount, path, key }: Omit<KvPlace, 'signal'> & { readonly key: string },
  namespace: string | undefined,
): string {
  return `${namespace ?? ''}/${mount}/${path}#${key}`;
}

export type OpenKv = (place: KvPlace) => KvSecret;

/** A mount that keeps no versions takes the same calls for other secrets: it is looked at before anything is asked of it. */
export function openKv(bao: Bao): OpenKv {
  const right = new Set<string>();
  const check = async (place: KvPlace): Promise<void> => {
    if (right.has(place.mount)) return;
    await refuseOtherMount(bao, place);
    right.add(place.mount);
  };
  return (place) => {
    const asking: Bao = {
      ask: async (call) => {
        await check(place);
        return bao.ask({ ...call, signal: place.signal });
      },
    };
    return secretAt(asking, place);
  };
}

const Mount = z.object({
  type: z.string(),
  options: z.object({ version: z.string().optional() }).nullish(),
});

export interface KvMount {
  readonly type: string;
  /** Of a KV engine: 1 where it does not say. */
  readonly version: string;
}

export async function mountOf(
  bao: Bao,
  mount: string,
  asking: Pick<BaoCall, 'signal' | 'refusal'> = {},
): Promise<KvMount> {
  const path = `sys/internal/ui/mounts/${escaped(mount)}`;
  const reply = await bao.ask({ method: 'GET', path, ...asking });
  const { type, options } = dataOf(Mount, reply);
  return { type, version: options?.version ?? '1' };
}

async function refuseOtherMount(bao: Bao, { mount, signal }: KvPlace): Promise<void> {
  // OpenBao says no more to whoever has no right below it.
  const refusal = `OpenBao has no mount ${mount}, or rotor's token is not valid or may do nothing there`;
  const { type, version } = await mountOf(bao, mount, { signal, refusal });
  if (type === 'kv' && version === '2') return;
  const what = type === 'kv' ? 'a KV mount of version 1, which keeps no versions' : 'no KV mount';
  throw new AdapterError(
    'invalid-destination',
    `${mount} is ${what}: name one of version 2, or bao kv enable-versioning`,
  );
}

function escaped(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

function secretAt(bao: Bao, { mount, path }: KvPlace): KvSecret {
  const at = (what: string): string => `${escaped(mount)}/${what}/${escaped(path)}`;
  const secret: KvSecret = {
    look: () => look(bao, at('metadata')),
    read: (version) => read(bao, `${at('data')}?version=${version}`),
    write: (fields, after) =>
      change(bao, secret, { method: 'POST', path: at('data'), fields, after }),
    merge: (fields, after) =>
      change(bao, secret, { method: 'PATCH', path: at('data'), fields, after }),
    note: async (notes) => {
      const body = { custom_metadata: notes };
      const reply = await bao.ask({ method: 'PATCH', path: at('metadata'), body });
      if (reply.status === 400)
        throw new AdapterError('refused', `the custom metadata of ${path} takes no more (64 keys)`);
      expectDone(reply);
    },
    destroy: async (versions) => {
      if (versions.length === 0) return;
      expectDone(await bao.ask({ method: 'PUT', path: at('destroy'), body: { versions } }));
    },
    remove: async () => expectDone(await bao.ask({ method: 'DELETE', path: at('metadata') })),
  };
  return secret;
}

const Metadata = z.object({
  current_version: z.number().int().nonnegative(),
  custom_metadata: z.record(z.string(), z.string()).nullish(),
  versions: z.record(z.string(), z.object({ deletion_time: z.string(), destroyed: z.boolean() })),
});

async function look(bao: Bao, path: string): Promise<KvState | undefined> {
  const reply = await bao.ask({ method: 'GET', path });
  if (reply.status === 404) return undefined;
  const found = dataOf(Metadata, reply);
  const readable = Object.entries(found.versions)
    .filter(([, { destroyed, deletion_time: end }]) => !destroyed && !isPast(end))
    .map(([version]) => Number(version))
    .toSorted((a, b) => b - a);
  return { current: found.current_version, readable, notes: found.custom_metadata ?? {} };
}

/** Empty where it never ends; a version may have an end that is still to come. */
function isPast(end: string): boolean {
  return end !== '' && new Date(end).getTime() <= Date.now();
}

const Version = z.object({ data: z.record(z.string(), z.unknown()).nullable() });

async function read(bao: Bao, path: string): Promise<KvFields | undefined> {
  const reply = await bao.ask({ method: 'GET', path });
  if (reply.status === 404) return undefined;
  return dataOf(Version, reply).data ?? undefined;
}

interface Change extends Pick<BaoCall, 'path'> {
  readonly method: 'POST' | 'PATCH';
  readonly fields: KvFields;
  readonly after: number;
}

async function change(
  bao: Bao,
  secret: KvSecret,
  { method, path, fields, after }: Change,
): Promise<void> {
  const reply = await bao.ask({ method, path, body: { data: fields, options: { cas: after } } });
  if (reply.status === 200) return;
  // Why it refuses it says in words alone; whether somebody came between is seen.
  const now = await secret.look();
  if (now?.current !== after || reply.status === 404)
    throw new AdapterError('changed-meanwhile', 'somebody else wrote the secret meanwhile');
  if (reply.status === 413)
    throw new AdapterError('refused', 'the secret would be too large for OpenBao');
  dataOf(z.unknown(), reply);
}

function expectDone({ status }: JsonReply): void {
  if (status === 204 || status === 200) return;
  const code = status >= 500 ? 'unreachable' : 'refused';
  throw new AdapterError(code, `OpenBao refuses the request (HTTP ${status})`);
}
