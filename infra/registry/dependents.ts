/** Dependents: who they are, and retiring one when nothing of it is left. */
import { RotorError } from '../../domain/errors.js';
import { inTransaction, type Queryable } from '../postgres.js';
import { noteInstallation, type TrailParts } from './installation-trail.js';
import type { Row } from './views.js';

export async function listDependents(
  db: Queryable,
  organization: string | undefined,
): Promise<Row[]> {
  const { rows } = await db.query<Row>(
    `select o.name as organization, t.name as dependent, t.owner, t.documentation,
       coalesce((select json_agg(s.name order by s.name) from rotor.dependencies d
         join rotor.secrets s on s.id = d.secret_id
         where d.dependent_id = t.id and d.retired_at is null), '[]') as secrets
     from rotor.dependents t join rotor.organizations o on o.id = t.organization_id
     where t.retired_at is null and ($1::text is null or o.name = $1) order by 1, 2`,
    [organization ?? null],
  );
  return rows;
}

interface Retirement {
  readonly organization: string;
  readonly dependent: string;
  readonly by: string;
}

/** Its dependencies retire with it: nobody waits for them any more, and their use becomes undeclared. */
export async function retireDependent(
  { pool, audit }: TrailParts,
  { organization, dependent, by }: Retirement,
): Promise<{ readonly retired: string; readonly secrets: readonly string[] }> {
  return inTransaction(pool, async (db) => {
    const { rows } = await db.query<{ id: string }>(
      `update rotor.dependents t set retired_at = clock_timestamp() from rotor.organizations o
       where o.id = t.organization_id and o.name = $1 and t.name = $2 and t.retired_at is null
       returning t.id`,
      [organization, dependent],
    );
    const id = rows[0]?.id;
    if (id === undefined) {
      const message = `there is no dependent ${organization}/${dependent}`;
      throw new RotorError('no-such-dependent', message, { kind: 'missing' });
    }
    const { rows: retired } = await db.query<{ secret_id: string; name: string }>(
      `update rotor.dependencies d set retired_at = clock_timestamp() from rotor.secrets s
       where s.id = d.secret_id and d.dependent_id = $1 and d.retired_at is null
       returning d.secret_id, s.name`,
      [id],
    );
    for (const { secret_id } of retired.sort((a, b) => (a.secret_id < b.secret_id ? -1 : 1))) {
      await db.query('select 1 from rotor.secrets where id = $1 for update', [secret_id]);
      const event = { change: 'dependent-retired', dependent };
      await audit.append(db, secret_id, [{ actor: by, event }]);
    }
    const event = { change: 'dependent-retired', organization, dependent };
    await noteInstallation({ audit }, db, { actor: by, event });
    return { retired: dependent, secrets: retired.map(({ name }) => name) };
  });
}
