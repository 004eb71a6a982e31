/** The live secret of a name: one that was retired may have had the same. */
import { noSuchSecret, type SecretName } from '../../domain/registry.js';
import type { Queryable } from '../postgres.js';

const named = `select s.id from rotor.secrets s join rotor.organizations o on o.id = s.organization_id
  where o.name = $1 and s.name = $2 and s.retired_at is null`;

/** Undefined where there is none. */
export async function secretIdOf(
  db: Queryable,
  { organization, secret }: SecretName,
): Promise<string | undefined> {
  const { rows } = await db.query<{ id: string }>(named, [organization, secret]);
  return rows[0]?.id;
}

/** Its row is the caller's until the transaction ends; undefined where there is none. */
export async function lockIfLive(
  db: Queryable,
  { organization, secret }: SecretName,
): Promise<string | undefined> {
  const { rows } = await db.query<{ id: string }>(`${named} for update of s`, [
    organization,
    secret,
  ]);
  return rows[0]?.id;
}

/** As {@link lockIfLive}; throws `no-such-secret`. */
export async function lockSecretOf(db: Queryable, name: SecretName): Promise<string> {
  const id = await lockIfLive(db, name);
  if (id === undefined) throw noSuchSecret(name);
  return id;
}
