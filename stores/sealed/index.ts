/** Values as JWE in PostgreSQL, each bound to the id of its version: moved to another row, it does not open. */
import { timingSafeEqual } from 'node:crypto';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { AdapterError } from '../../domain/errors.js';
import { SecretValue } from '../../domain/secret-value.js';
import type { Store } from '../../domain/store.js';

export interface Database {
  query<R extends object>(
    text: string,
    values: unknown[],
  ): Promise<{ rows: R[]; rowCount: number | null }>;
}

export interface SealedKey {
  readonly kid: string;
  readonly key: Uint8Array;
}

export interface SealedOptions {
  readonly database: Database;
  /** The first seals; all of them open. */
  readonly keys: readonly [SealedKey, ...SealedKey[]];
}

export interface SealedStore extends Store {
  /** Seals everything with the first key again; afterwards the others are of no use. Returns how many. */
  reseal(): Promise<number>;
}

interface Row {
  readonly version_id: string;
  readonly jwe: string;
}

export function openSealedStore(options: SealedOptions): SealedStore {
  const { database } = options;
  return {
    kind: 'sealed',
    put: (versionId, value) => put(options, versionId, value),
    get: (versionId) => get(options, versionId),
    destroy: async (versionId) => {
      await database.query('delete from sealed.values where version_id = $1', [versionId]);
    },
    reseal: () => reseal(options),
  };
}

async function put(options: SealedOptions, versionId: string, value: SecretValue): Promise<void> {
  const [{ kid }] = options.keys;
  const { rowCount } = await options.database.query(
    'insert into sealed.values (version_id, kid, jwe) values ($1, $2, $3) on conflict do nothing',
    [versionId, kid, await seal(options, versionId, value.reveal())],
  );
  if (rowCount === 1) return;
  const kept = await get(options, versionId);
  if (kept !== undefined && isSame(kept.reveal(), value.reveal())) return;
  throw new AdapterError('refused', 'another value is sealed under this version');
}

async function get(options: SealedOptions, versionId: string): Promise<SecretValue | undefined> {
  const { rows } = await options.database.query<Row>(
    'select version_id, jwe from sealed.values where version_id = $1',
    [versionId],
  );
  const [row] = rows;
  return row === undefined ? undefined : new SecretValue(await unseal(options, row));
}

async function reseal(options: SealedOptions): Promise<number> {
  const [{ kid }] = options.keys;
  const { rows } = await options.database.query<Row>(
    'select version_id, jwe from sealed.values where kid <> $1',
    [kid],
  );
  for (const row of rows) {
    const jwe = await seal(options, row.version_id, await unseal(options, row));
    await options.database.query(
      'update sealed.values set kid = $2, jwe = $3 where version_id = $1 and jwe = $4',
      [row.version_id, kid, jwe, row.jwe],
    );
  }
  return rows.length;
}

/** `dir` and A256GCM (RFC 7518); the header, and the version in it, is authenticated with the value. */
function seal({ keys: [first] }: SealedOptions, versionId: string, value: string): Promise<string> {
  return new CompactEncrypt(new TextEncoder().encode(value))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: first.kid, ver: versionId })
    .encrypt(first.key);
}

async function unseal({ keys }: SealedOptions, { version_id, jwe }: Row): Promise<string> {
  const keyOf = (kid: unknown): Uint8Array => {
    const found = keys.find((known) => known.kid === kid);
    if (found !== undefined) return found.key;
    throw new AdapterError(
      'unreadable',
      'a value is sealed with a key that is not in the key file',
    );
  };
  try {
    const { plaintext, protectedHeader } = await compactDecrypt(jwe, ({ kid }) => keyOf(kid), {
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: ['A256GCM'],
    });
    if (protectedHeader['ver'] === version_id) return new TextDecoder().decode(plaintext);
  } catch (error) {
    if (error instanceof AdapterError) throw error;
  }
  throw new AdapterError('unreadable', 'a sealed value was changed, or belongs to another version');
}

function isSame(a: string, b: string): boolean {
  const one = Buffer.from(a);
  const other = Buffer.from(b);
  return one.length === other.length && timingSafeEqual(one, other);
}
