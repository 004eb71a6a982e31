/** Values that a write displaced and nobody knew: kept under an id that a finding names, and had back by adopting them. */
import { RotorError } from '../../domain/errors.js';
import type { SecretName } from '../../domain/registry.js';
import type { SecretValue } from '../../domain/secret-value.js';
import type { Store } from '../../domain/store.js';
import type { Queryable } from '../postgres.js';

interface Parts {
  readonly pool: Queryable;
  readonly store: Store;
}

/** Of this secret alone: whoever knows an id has no right to what it stands for. Throws `no-such-value`. */
export async function keptValue(
  { pool, store }: Parts,
  { organization, secret, kept }: SecretName & { readonly kept: string },
): Promise<SecretValue> {
  const { rowCount } = await pool.query(
    `select from rotor.findings f join rotor.secrets s on s.id = f.secret_id
     join rotor.organizations o on o.id = s.organization_id
     where o.name = $1 and s.name = $2 and s.retired_at is null
       and f.code = 'unknown-value' and f.about = $3`,
    [organization, secret, kept],
  );
  const value = rowCount === 0 ? undefined : await store.get(kept);
  if (value !== undefined) return value;
  throw new RotorError('no-such-value', `nothing of ${organization}/${secret} is kept as ${kept}`, {
    kind: 'missing',
    hint: 'the findings unknown-value of the secret name what is kept: rotor findings',
  });
}
