/** Clients and their credentials: what the owner of the authority may do with them. */
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { inTransaction } from '../infra/postgres.js';
import { keyedHash, newSecretValue } from './value.js';

export interface ListedCredential {
  readonly credentialId: string;
  readonly tag: string | null;
  readonly role: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly disabled: boolean;
}

/** Idempotent: one client per secret, whose id never changes. */
export async function ensureClient(
  pool: pg.Pool,
  { secretKey, name }: { readonly secretKey: string; readonly name: string },
): Promise<string> {
  const readable = name.replaceAll(/[^a-z0-9-]+/g, '-').slice(0, 80);
  const clientId = `${readable}-${randomBytes(4).toString('hex')}`;
  const { rows } = await pool.query<{ client_id: string }>(
    `insert into authority.clients (client_id, secret_key, name) values ($1, $2, $3)
     on conflict (secret_key) do update set name = excluded.name returning client_id`,
    [clientId, secretKey, name],
  );
  return rows[0]?.client_id ?? clientId;
}

export interface NewCredential {
  readonly clientId: string;
  readonly role: string;
  readonly tag: string | undefined;
  readonly expiresAt: Date;
}

/** The value is in this answer and nowhere else. With a tag that exists already nothing is made; undefined: no such client. */
export async function mintCredential(
  pool: pg.Pool,
  hashKey: Buffer,
  wanted: NewCredential,
): Promise<{ credentialId: string; value?: string } | undefined> {
  const value = newSecretValue();
  const credentialId = `cs_${randomBytes(9).toString('base64url')}`;
  const { rowCount } = await pool.query(
    `insert into authority.credentials (id, client_id, hash, role, tag, expires_at)
     select $1, c.client_id, $3, $4, $5, $6 from authority.clients c where c.client_id = $2
     on conflict (tag) do nothing`,
    [
      credentialId,
      wanted.clientId,
      keyedHash(hashKey, value),
      wanted.role,
      wanted.tag ?? null,
      wanted.expiresAt,
    ],
  );
  if (rowCount === 1) return { credentialId, value };
  const { rows } = await pool.query<{ id: string }>(
    'select id from authority.credentials where tag = $1',
    [wanted.tag],
  );
  return rows[0] && { credentialId: rows[0].id };
}

export async function liveCredentials(
  pool: pg.Pool,
  clientId: string,
): Promise<ListedCredential[]> {
  const { rows } = await pool.query<ListedCredential>(
    `select id as "credentialId", tag, role, created_at as "createdAt", expires_at as "expiresAt",
       coalesce(disabled_until > clock_timestamp(), false) as disabled
     from authority.credentials
     where client_id = $1 and revoked_at is null and expires_at > clock_timestamp() order by created_at`,
    [clientId],
  );
  return rows;
}

export type Changed = 'done' | 'missing' | 'other-tag';

/** `until` undefined: it works again. A revoked one is missing. */
export async function disableCredential(
  pool: pg.Pool,
  { credentialId, tag }: Named,
  until: Date | undefined,
): Promise<Changed> {
  const { rows } = await pool.query<{ tag: string | null }>(
    `update authority.credentials set disabled_until = $2
     where id = $1 and revoked_at is null and ($3::text is null or tag = $3) returning tag`,
    [credentialId, until ?? null, tag ?? null],
  );
  return rows.length === 1 ? 'done' : whyNot(pool, credentialId);
}

export interface Named {
  readonly credentialId: string;
  /** What it must be tagged with; undefined: whatever it is. */
  readonly tag: string | undefined;
}

/** Its tokens die in the same transaction. Revoked already is done. */
export async function revokeCredential(
  pool: pg.Pool,
  { credentialId, tag }: Named,
): Promise<Changed> {
  return inTransaction(pool, async (db) => {
    const { rows } = await db.query<{ tag: string | null; revoked_at: Date | null }>(
      'select tag, revoked_at from authority.credentials where id = $1 for update',
      [credentialId],
    );
    const found = rows[0];
    if (found === undefined) return 'missing';
    if (tag !== undefined && found.tag !== tag) return 'other-tag';
    if (found.revoked_at !== null) return 'done';
    await db.query(
      'update authority.credentials set revoked_at = clock_timestamp() where id = $1',
      [credentialId],
    );
    await db.query(
      `update authority.tokens set revoked_at = clock_timestamp()
       where credential_id = $1 and revoked_at is null`,
      [credentialId],
    );
    return 'done';
  });
}

async function whyNot(pool: pg.Pool, credentialId: string): Promise<Changed> {
  const { rowCount } = await pool.query(
    'select 1 from authority.credentials where id = $1 and revoked_at is null',
    [credentialId],
  );
  return rowCount === 1 ? 'other-tag' : 'missing';
}
