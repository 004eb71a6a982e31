/** Applies declarations in one transaction: what differs is changed, what is absent stays as it is. */
import type {
  Declarations,
  OrganizationDeclaration,
  SecretDeclaration,
} from '../../domain/declarations.js';
import { RotorError, type Problem } from '../../domain/errors.js';
import type { Policy } from '../../domain/policy.js';
import { inTransaction, type Queryable } from '../postgres.js';
import { closeExplained } from './findings.js';
import { noteInstallation } from './installation-trail.js';
import {
  changedMeanwhile,
  differing,
  type Applying,
  type InventoryChange,
  type InventoryParts,
  type Place,
} from './inventory-change.js';
import { applyDependency } from './inventory-dependencies.js';
import { lockDestinations, lockSecrets } from './inventory-locks.js';
import { refuseMove } from './inventory-principal.js';

export interface Application {
  readonly declarations: Declarations;
  readonly by: string;
  /** Whether approvals may be asked for less than before. */
  readonly mayLoosen: boolean;
  /** Only says what would change. */
  readonly dryRun: boolean;
}

export interface Applied {
  readonly changes: readonly InventoryChange[];
  /** Secrets whose open runs have to look at the facts again. */
  readonly touched: readonly string[];
}

/** What is there before the destinations are locked. */
type Shared = Omit<Applying, 'destinations'>;

class DryRun extends Error {}

/** What was checked. Throws `declarations-raced` where that does not hold any more; then nothing was changed. */
export async function applyDeclarations(
  parts: InventoryParts,
  application: Application,
): Promise<Applied> {
  const changes: InventoryChange[] = [];
  const touched = new Set<string>();
  try {
    await inTransaction(parts.pool, async (db) => {
      const to = {
        db,
        parts,
        changes,
        touched,
        by: application.by,
        mayLoosen: application.mayLoosen,
      };
      await applyInOrder(to, application.declarations);
      if (application.dryRun) throw new DryRun();
      await closeExplained(db, [...touched]);
      await noteShared(parts, db, { changes, by: application.by });
    });
  } catch (error) {
    if (!(error instanceof DryRun)) throw error;
  }
  return { changes, touched: [...touched] };
}

/** Every problem at once; nothing was changed. */
export function invalidDeclarations(problems: readonly Problem[]): RotorError {
  const message = `${problems.length} problem${problems.length === 1 ? '' : 's'}; nothing was changed`;
  return new RotorError('declarations-invalid', message, { kind: 'invalid', problems });
}

/** The order of locks that everybody keeps: organizations, dependents, destinations, secrets. */
async function applyInOrder(to: Shared, { organizations }: Declarations): Promise<void> {
  const ordered = [...organizations].sort((one, other) => (one.name < other.name ? -1 : 1));
  const places: Place[] = [];
  for (const declared of ordered) places.push(await applyShared(to, declared));
  const destinations = await lockDestinations(to, ordered);
  await lockSecrets(to, places, ordered);
  for (const [index, place] of places.entries()) {
    const secrets = ordered[index]?.secrets ?? [];
    for (const secret of secrets) await applySecret({ ...to, destinations }, place, secret);
  }
}

async function applyShared(to: Shared, declared: OrganizationDeclaration): Promise<Place> {
  const organizationId = await ensureOrganization(to, declared.name);
  const place: Place = { organizationId, organization: declared.name };
  for (const policy of declared.policies) await applyPolicy(to, place, policy);
  for (const dependent of declared.dependents) {
    await upsert(to, place, {
      kind: 'dependent',
      name: dependent.name,
      wanted: { owner: dependent.owner, documentation: dependent.documentation ?? null },
    });
  }
  return place;
}

async function ensureOrganization(to: Shared, name: string): Promise<string> {
  const { rows } = await to.db.query<{ id: string }>(
    'select id from rotor.organizations where name = $1 for update',
    [name],
  );
  const found = rows[0]?.id;
  if (found !== undefined) return found;
  const created = await to.db.query<{ id: string }>(
    'insert into rotor.organizations (name) values ($1) returning id',
    [name],
  );
  to.changes.push({ change: 'create', kind: 'organization', name, fields: [] });
  return created.rows[0]?.id ?? '';
}

async function applyPolicy(
  to: Shared,
  { organizationId, organization }: Place,
  policy: Policy,
): Promise<void> {
  const { rows } = await to.db.query<{ id: string; policy: unknown }>(
    'select id, policy from rotor.policies where organization_id = $1 and name = $2 for update',
    [organizationId, policy.name],
  );
  const before = rows[0];
  const name = `${organization}/${policy.name}`;
  if (before === undefined) {
    await to.db.query(
      'insert into rotor.policies (organization_id, name, policy) values ($1, $2, $3)',
      [organizationId, policy.name, policy],
    );
    to.changes.push({ change: 'create', kind: 'policy', name, fields: [] });
    return;
  }
  const fields = differing(before.policy as Record<string, unknown>, { ...policy });
  if (fields.length === 0) return;
  if (fields.includes('approvals')) refuseLoosening(to, before.policy, `policy ${name}`);
  await to.db.query(
    'update rotor.policies set policy = $2, revision = revision + 1 where id = $1',
    [before.id, policy],
  );
  // Runs that are open look at it at once.
  const { rows: under } = await to.db.query<{ id: string }>(
    'select id from rotor.secrets where policy_id = $1 and retired_at is null',
    [before.id],
  );
  for (const { id } of under) to.touched.add(id);
  to.changes.push({ change: 'change', kind: 'policy', name, fields, secrets: under.length });
}

/** Whoever asks for runs could otherwise take away that others approve them. */
function refuseLoosening({ mayLoosen }: Shared, before: unknown, what: string): void {
  if (mayLoosen || (before as Policy).approvals === undefined) return;
  const message = `${what} says who has to approve: changing that needs the right to contain`;
  throw new RotorError('not-allowed', message, { kind: 'denied', hint: 'nothing was changed' });
}

interface Upsert {
  readonly kind: 'dependent' | 'secret';
  readonly name: string;
  readonly wanted: Readonly<Record<string, unknown>>;
}

/** Column names are ours, never the caller's. */
async function upsert(to: Shared, place: Place, { kind, name, wanted }: Upsert): Promise<string> {
  const table = kind === 'dependent' ? 'rotor.dependents' : 'rotor.secrets';
  const fullName = `${place.organization}/${name}`;
  // Whoever excludes a dependent refers to it under its secret's lock, which comes after this one.
  const lock = kind === 'dependent' ? 'for no key update' : 'for update';
  const columns = Object.keys(wanted);
  const { rows } = await to.db.query<{ id: string } & Record<string, unknown>>(
    `select id, ${columns.join(', ')} from ${table}
     where organization_id = $1 and name = $2 and retired_at is null ${lock}`,
    [place.organizationId, name],
  );
  const before = rows[0];
  if (before === undefined) {
    const marks = columns.map((_, index) => `$${index + 3}`);
    const created = await to.db.query<{ id: string; retired_at: Date | null }>(
      `insert into ${table} (organization_id, name, ${columns.join(', ')})
       values ($1, $2, ${marks.join(', ')}) returning id,
         (select max(retired_at) from ${table} where organization_id = $1 and name = $2) as retired_at`,
      [place.organizationId, name, ...Object.values(wanted)],
    );
    const { id = '', retired_at: retiredAt } = created.rows[0] ?? {};
    const again = retiredAt instanceof Date ? { retiredAt } : {};
    to.changes.push({ change: 'create', kind, name: fullName, fields: [], ...again });
    return id;
  }
  const fields = differing(before, wanted);
  if (fields.length > 0) {
    const sets = columns.map((column, index) => `${column} = $${index + 2}`);
    await to.db.query(`update ${table} set ${sets.join(', ')} where id = $1`, [
      before.id,
      ...Object.values(wanted),
    ]);
    to.changes.push({ change: 'change', kind, name: fullName, fields });
  }
  return before.id;
}

async function applySecret(to: Applying, place: Place, declared: SecretDeclaration): Promise<void> {
  await refuseMove(to, place, declared);
  const policyId = await policyIdOf(to, place, declared);
  await refuseOtherRules(to, place, { ...declared, policyId });
  const before = to.changes.length;
  const secretId = await upsert(to, place, {
    kind: 'secret',
    name: declared.name,
    wanted: {
      owner: declared.owner,
      documentation: declared.documentation ?? null,
      labels: declared.labels,
      issuer: declared.issuer,
      specification: declared.specification,
      policy_id: policyId,
      schedule: declared.schedule ?? null,
      not_with: declared.notWith,
    },
  });
  for (const dependency of declared.dependencies) {
    await applyDependency(to, { ...place, secretId, declared }, dependency);
  }
  await note(to, secretId, to.changes.slice(before));
}

/** Another policy may ask nobody, and so may a rule for other labels. */
async function refuseOtherRules(
  to: Applying,
  { organizationId, organization }: Place,
  {
    name,
    policyId,
    labels,
  }: Pick<SecretDeclaration, 'name' | 'labels'> & { readonly policyId: string | null },
): Promise<void> {
  const { rows } = await to.db.query<{ policy: Policy }>(
    `select p.policy from rotor.secrets s join rotor.policies p on p.id = s.policy_id
     where s.organization_id = $1 and s.name = $2 and s.retired_at is null
       and (p.id is distinct from $3 or s.labels <> $4)`,
    [organizationId, name, policyId, labels],
  );
  if (rows[0] !== undefined)
    refuseLoosening(to, rows[0].policy, `the policy, by the labels, of ${organization}/${name}`);
}

async function policyIdOf(
  to: Applying,
  place: Place,
  declared: SecretDeclaration,
): Promise<string | null> {
  if (declared.policy === undefined) return null;
  const { rows } = await to.db.query<{ id: string }>(
    'select id from rotor.policies where organization_id = $1 and name = $2',
    [place.organizationId, declared.policy],
  );
  const found = rows[0]?.id;
  if (found === undefined) throw changedMeanwhile(`policy ${declared.policy} was removed`);
  return found;
}

/** What belongs to no secret: the others have it in their own chains. */
async function noteShared(
  parts: InventoryParts,
  db: Queryable,
  { changes, by }: Pick<Applying, 'changes' | 'by'>,
): Promise<void> {
  const shared = changes.filter(({ kind }) => kind !== 'secret' && kind !== 'dependency');
  if (shared.length === 0) return;
  await noteInstallation(parts, db, { actor: by, event: { change: 'declared', changes: shared } });
}

async function note(
  to: Applying,
  secretId: string,
  made: readonly InventoryChange[],
): Promise<void> {
  if (made.length === 0) return;
  to.touched.add(secretId);
  const event = { change: 'declared', changes: made };
  await to.parts.audit.append(to.db, secretId, [{ actor: to.by, event }]);
}
