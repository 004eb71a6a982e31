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
         where d.dependent_id = t.id and d.retired_at is null and s.retired_at is null), '[]') as secrets
     from rotor.dependents t join rotor.organizations o on o.id = t.organization_id
     where t.retired_at is null and ($1::text is null or o.name = $1) order by 1, 2`,
    [organization ?? null],
  );
  return rows;
}

export interface Retirement {
  readonly organization: string;
  readonly dependent: string;
  readonly by: string;
}

export interface Retired {
  readonly retired: string;
  readonly secrets: readonly string[];
  /** Secrets whose open runs have to look at the facts again. */
  readonly touched: readonly string[];
}

/** Its dependencies retire with it: nobody waits for them any more, and their use becomes undeclared. */
export async function retireDependent(
  { pool, audit }: TrailParts,
  { organization, dependent, by }: Retirement,
): Promise<Retired> {
  return inTransaction(pool, async (db) => {
    const id = await retire(db, { organization, dependent });
    await refuseWithheld(db, id, `${organization}/${dependent}`);
    // Locked before their dependencies change: a declaration has the secret first, too.
    const { rows: secrets } = await db.query<{ id: string; name: string }>(
      `select s.id, s.name from rotor.secrets s where s.id in (select d.secret_id
         from rotor.dependencies d where d.dependent_id = $1 and d.retired_at is null)
       order by s.id for update`,
      [id],
    );
    await db.query(
      `update rotor.dependencies set retired_at = clock_timestamp()
       where dependent_id = $1 and retired_at is null`,
      [id],
    );
    for (const secret of secrets) {
      const event = { change: 'dependent-retired', dependent };
      await audit.append(db, secret.id, [{ actor: by, event }]);
    }
    const event = { change: 'dependent-retired', organization, dependent };
    await noteInstallation({ audit }, db, { actor: by, event });
    const touched = secrets.map((secret) => secret.id);
    return { retired: dependent, secrets: secrets.map(({ name }) => name).sort(), touched };
  });
}

/** Declared again it would be another one, and given what it is withheld from: who may contain says first that it is over. */
async function refuseWithheld(db: Queryable, id: string, name: string): Promise<void> {
  const { rows } = await db.query(
    'select 1 from rotor.withholdings where dependent_id = $1 and released_at is null limit 1',
    [id],
  );
  if (rows.length === 0) return;
  throw new RotorError(
    'dependent-withheld',
    `${name} is given no new value, and is not retired so`,
    {
      kind: 'conflict',
      hint: `rotor dependents release ${name} --reason TEXT first`,
    },
  );
}

async function retire(
  db: Queryable,
  { organization, dependent }: Omit<Retirement, 'by'>,
): Promise<string> {
  // Whoever declares has the organization: no dependency is added meanwhile.
  await db.query('select 1 from rotor.organizations where name = $1 for update', [organization]);
  const { rows } = await db.query<{ id: string }>(
    `update rotor.dependents t set retired_at = clock_timestamp() from rotor.organizations o
     where o.id = t.organization_id and o.name = $1 and t.name = $2 and t.retired_at is null
     returning t.id`,
    [organization, dependent],
  );
  const id = rows[0]?.id;
  if (id !== undefined) return id;
  const message = `there is no dependent ${organization}/${dependent}`;
  throw new RotorError('no-such-dependent', message, { kind: 'missing' });
}
