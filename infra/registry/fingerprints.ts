/** Keyed fingerprints of values: which secret a leaked string is, without keeping the string. */
import { createHmac } from 'node:crypto';
import { AdapterError, RotorError } from '../../domain/errors.js';
import type { Recognize } from '../../domain/discover/place.js';
import { SecretValue } from '../../domain/secret-value.js';
import type { Store } from '../../domain/store.js';
import type { Queryable } from '../postgres.js';

export interface Fingerprinting {
  readonly pool: Queryable;
  /** 32 bytes, for nothing else. */
  readonly key: Buffer;
}

/** What is sealed can be recognized later, also when it was destroyed. */
export function fingerprinted<S extends Store>(store: S, parts: Fingerprinting): S {
  return {
    ...store,
    put: async (versionId: string, value: SecretValue) => {
      await store.put(versionId, value);
      await remember(parts, versionId, value);
    },
  };
}

async function remember(
  { pool, key }: Fingerprinting,
  versionId: string,
  value: SecretValue,
): Promise<void> {
  await pool.query(
    'insert into rotor.fingerprints (version_id, mac) values ($1, $2) on conflict do nothing',
    [versionId, macOf(key, value)],
  );
}

function macOf(key: Buffer, value: SecretValue): Buffer {
  return createHmac('sha256', key).update(value.reveal()).digest();
}

export interface Identified {
  readonly secret: string;
  /** `v3`; or that it is none, and `state` what a write that displaced it has kept it as. */
  readonly version: string;
  readonly state: string;
  readonly current: boolean;
  readonly revoked: Date | null;
}

/** All that hold it, the newest first. `organization`: only of that one. Throws `no-such-value`: rotor never had it. */
export async function identify(
  parts: Fingerprinting & { readonly store: Store },
  value: SecretValue,
  organization: string | undefined,
): Promise<Identified[]> {
  await rememberOlder(parts);
  const { rows } = await parts.pool.query<Identified>(
    `select o.name || '/' || s.name as secret, coalesce('v' || v.ordinal, 'no version') as version,
       coalesce(v.state, 'kept as ' || k.about) as state,
       coalesce(v.is_current, false) as current, v.revoked_at as revoked
     from rotor.fingerprints f left join rotor.versions v on v.id = f.version_id
     left join rotor.findings k on v.id is null and k.code = 'unknown-value' and k.about = f.version_id::text
     join rotor.secrets s on s.id = coalesce(v.secret_id, k.secret_id)
     join rotor.organizations o on o.id = s.organization_id
     where f.mac = $1 and ($2::text is null or o.name = $2)
     order by v.created_at desc nulls last`,
    [macOf(parts.key, value), organization ?? null],
  );
  if (rows.length > 0) return rows;
  throw new RotorError('no-such-value', 'rotor has never had this value', {
    kind: 'missing',
    hint: 'the whole value, without quotes around it',
  });
}

/** Of every version of the secret that has one, dead ones too. */
export async function fingerprintsOf(
  parts: Fingerprinting & { readonly store: Store },
  secretId: string,
): Promise<{ readonly recognize: Recognize; readonly known: ReadonlySet<string> }> {
  await rememberOlder(parts);
  const { rows } = await parts.pool.query<{ id: string; mac: Buffer }>(
    `select f.version_id as id, f.mac from rotor.fingerprints f
     join rotor.versions v on v.id = f.version_id where v.secret_id = $1 order by v.ordinal`,
    [secretId],
  );
  // Of two with one value the newer one counts.
  const versions = new Map(rows.map(({ id, mac }) => [mac.toString('base64'), id]));
  return {
    recognize: (text) => versions.get(macOf(parts.key, new SecretValue(text)).toString('base64')),
    known: new Set(rows.map(({ id }) => id)),
  };
}

/** What was sealed by a release that kept no fingerprints. */
async function rememberOlder(parts: Fingerprinting & { readonly store: Store }): Promise<void> {
  const { rows } = await parts.pool.query<{ id: string }>(
    `select v.id from rotor.versions v left join rotor.fingerprints f on f.version_id = v.id
     where v.value = 'sealed' and f.version_id is null`,
    [],
  );
  for (const { id } of rows) {
    // One that does not open is no reason to know nothing of the others.
    const value = await parts.store.get(id).catch(noneWhereUnreadable);
    if (value !== undefined) await remember(parts, id, value);
  }
}

function noneWhereUnreadable(error: unknown): undefined {
  if (!(error instanceof AdapterError) || error.code !== 'unreadable') throw error;
}
