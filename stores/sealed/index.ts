/** Values as JWE in PostgreSQL, each bound to the id of its version: moved to another row, it does not open. */
import { CompactEncrypt, compactDecrypt } from 'jose';
import { z } from 'zod';
import { AdapterError } from '../../domain/errors.js';
import { SecretValue } from '../../domain/secret-value.js';
import type { Store } from '../../domain/store.js';
import type { SealedKey } from '../database.js';
import { storeKind, type StoreContext } from '../kind.js';
import { isSame } from '../../reach/same.js';

export type SealedOptions = StoreContext;

export interface SealedStore extends Store {
  /**
   * Seals everything with the first key again, a batch at a time, and goes on where it was killed; `told`
   * hears of each batch. What does not open stays as it is, and is counted.
   */
  reseal(told: (resealed: number) => void): Promise<Resealed>;
}

export interface Resealed {
  readonly resealed: number;
  readonly unopened: number;
}

export const sealed = storeKind({
  kind: 'sealed',
  options: z.strictObject({}),
  place: () => 'sealed',
  open: (_, context) => openSealedStore(context),
});

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
    reseal: (told) => reseal(options, told),
  };
}

async function put(options: SealedOptions, versionId: string, value: SecretValue): Promise<void> {
  if (await insert(options, versionId, value)) return;
  const kept = await get(options, versionId);
  if (kept !== undefined && isSame(kept.reveal(), value.reveal())) return;
  throw new AdapterError('refused', 'another value is sealed under this version');
}

/** False where something is sealed under the version. */
async function insert(
  options: SealedOptions,
  versionId: string,
  value: SecretValue,
): Promise<boolean> {
  const [first] = options.keys();
  const jwe = await seal(first, versionId, value.reveal());
  try {
    const { rowCount } = await options.database.query(
      `with used as (insert into sealed.keys (kid) values ($2) on conflict do nothing)
       insert into sealed.values (version_id, kid, jwe) values ($1, $2, $3) on conflict do nothing`,
      [versionId, first.kid, jwe],
    );
    return rowCount === 1;
  } catch (error) {
    if (!isForeignKey(error)) throw error;
    // The file was replaced while this was sealed.
    if (options.keys()[0].kid !== first.kid) return insert(options, versionId, value);
    throw new AdapterError(
      'unreadable',
      'the key file is old: its first key was dropped elsewhere',
    );
  }
}

/** PostgreSQL's word for a reference to what is not there. */
function isForeignKey(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '23503';
}

async function get(options: SealedOptions, versionId: string): Promise<SecretValue | undefined> {
  const row = await readRow(options, versionId);
  if (row === undefined) return undefined;
  try {
    return new SecretValue(await unseal(options, row));
  } catch (error) {
    // Resealed meanwhile, and its key dropped.
    const again = await readRow(options, versionId);
    if (again === undefined || again.jwe === row.jwe) throw error;
    return new SecretValue(await unseal(options, again));
  }
}

async function readRow({ database }: SealedOptions, versionId: string): Promise<Row | undefined> {
  const { rows } = await database.query<Row>(
    'select version_id, jwe from sealed.values where version_id = $1',
    [versionId],
  );
  return rows[0];
}

const batch = 200;

/** Others may seal with an older key meanwhile: passes are made until one finds nothing. */
async function reseal(options: SealedOptions, told: (resealed: number) => void): Promise<Resealed> {
  const count = { resealed: 0, unopened: 0 };
  for (let found = -1; found !== count.unopened;) {
    [found, count.unopened] = [0, 0];
    for await (const rows of oldRows(options)) {
      const { opened, changed } = await resealBatch(options, rows);
      found += rows.length;
      count.unopened += rows.length - opened;
      count.resealed += changed;
      told(count.resealed);
    }
  }
  return count;
}

async function* oldRows({ database, keys }: SealedOptions): AsyncGenerator<readonly Row[]> {
  for (let after: string | undefined, more = true; more;) {
    const { rows } = await database.query<Row>(
      `select version_id, jwe from sealed.values
       where kid <> $1 and ($2::uuid is null or version_id > $2) order by version_id limit ${batch}`,
      [keys()[0].kid, after ?? null],
    );
    if (rows.length > 0) yield rows;
    after = rows.at(-1)?.version_id;
    more = rows.length === batch;
  }
}

/** Only where the row is still what was opened. */
async function resealBatch(
  options: SealedOptions,
  rows: readonly Row[],
): Promise<{ opened: number; changed: number }> {
  const [first] = options.keys();
  const sealed = await Promise.all(rows.map((row) => sealAgain(options, first, row)));
  const done = sealed.filter((one) => one !== undefined);
  const { rowCount } = await options.database.query(
    `with used as (insert into sealed.keys (kid) values ($1) on conflict do nothing)
     update sealed.values v set kid = $1, jwe = n.jwe
     from unnest($2::uuid[], $3::text[], $4::text[]) n(version_id, old, jwe)
     where v.version_id = n.version_id and v.jwe = n.old`,
    [
      first.kid,
      done.map(({ version_id }) => version_id),
      done.map(({ old }) => old),
      done.map(({ jwe }) => jwe),
    ],
  );
  return { opened: done.length, changed: rowCount ?? 0 };
}

async function sealAgain(
  options: SealedOptions,
  first: SealedKey,
  row: Row,
): Promise<(Row & { readonly old: string }) | undefined> {
  try {
    const jwe = await seal(first, row.version_id, await unseal(options, row));
    return { version_id: row.version_id, old: row.jwe, jwe };
  } catch (error) {
    if (error instanceof AdapterError) return undefined;
    throw error;
  }
}

/** `dir` and A256GCM (RFC 7518); the header, and the version in it, is authenticated with the value. */
function seal(first: SealedKey, versionId: string, value: string): Promise<string> {
  return new CompactEncrypt(new TextEncoder().encode(value))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: first.kid, ver: versionId })
    .encrypt(first.key);
}

async function unseal({ keys }: SealedOptions, { version_id, jwe }: Row): Promise<string> {
  const keyOf = (kid: unknown): Uint8Array => {
    const found = keys().find((known) => known.kid === kid);
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
