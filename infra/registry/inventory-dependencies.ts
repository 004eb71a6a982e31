/** Applies what one secret declares about who depends on it, and where they get it from. */
import type { DependencyDeclaration, SecretDeclaration } from '../../domain/declarations.js';
import { standardPolicy, type Policy } from '../../domain/policy.js';
import { changedMeanwhile, differing, type Applying, type Place } from './inventory-change.js';

export interface SecretPlace extends Place {
  readonly secretId: string;
  readonly declared: SecretDeclaration;
}

export async function applyDependency(
  to: Applying,
  place: SecretPlace,
  dependency: DependencyDeclaration,
): Promise<void> {
  const path = `${place.organization}/${place.declared.name} → ${dependency.dependent}`;
  const dependentId = await dependentIdOf(to, place, dependency.dependent);
  if (dependentId === undefined) {
    throw changedMeanwhile(`dependent ${dependency.dependent} was retired`);
  }
  const destinationId = to.destinations.get(dependency);
  if (destinationId === undefined) return;
  const wanted = await wantedDependency(to, place, dependency);
  await upsertDependency(to, { path, ids: [place.secretId, dependentId, destinationId], wanted });
}

async function dependentIdOf(
  to: Applying,
  place: Place,
  name: string,
): Promise<string | undefined> {
  const { rows } = await to.db.query<{ id: string }>(
    `select id from rotor.dependents
     where organization_id = $1 and name = $2 and retired_at is null`,
    [place.organizationId, name],
  );
  return rows[0]?.id;
}

async function wantedDependency(
  to: Applying,
  place: SecretPlace,
  dependency: DependencyDeclaration,
): Promise<Record<string, unknown>> {
  const { rows } = await to.db.query<{ policy: Policy }>(
    `select p.policy from rotor.policies p join rotor.secrets s on s.policy_id = p.id where s.id = $1`,
    [place.secretId],
  );
  const policy = rows[0]?.policy ?? standardPolicy;
  return {
    wave: dependency.wave ?? null,
    owner: dependency.owner ?? place.declared.owner,
    documentation: dependency.documentation ?? null,
    assignment: dependency.assignment ?? null,
    least_evidence: dependency.leastEvidence ?? policy.leastEvidence,
    seen_as: dependency.seenAs ?? null,
    uses_at_least_every_ms: dependency.usesAtLeastEveryMs ?? null,
    picks_up_within_ms: dependency.picksUpWithinMs,
  };
}

interface DependencyUpsert {
  readonly path: string;
  /** Secret, dependent, destination. */
  readonly ids: readonly [string, string, string];
  readonly wanted: Readonly<Record<string, unknown>>;
}

async function upsertDependency(
  to: Applying,
  { path, ids, wanted }: DependencyUpsert,
): Promise<void> {
  const columns = Object.keys(wanted);
  const { rows } = await to.db.query<{ id: string } & Record<string, unknown>>(
    `select id, ${columns.join(', ')} from rotor.dependencies
     where secret_id = $1 and dependent_id = $2 and destination_id = $3 and retired_at is null`,
    [...ids],
  );
  const before = rows[0];
  if (before === undefined) {
    const marks = columns.map((_, index) => `$${index + 4}`);
    await to.db.query(
      `insert into rotor.dependencies (secret_id, dependent_id, destination_id, ${columns.join(', ')})
       values ($1, $2, $3, ${marks.join(', ')})`,
      [...ids, ...Object.values(wanted)],
    );
    to.changes.push({ change: 'create', kind: 'dependency', name: path, fields: [] });
    return;
  }
  const fields = differing(before, wanted);
  if (fields.length === 0) return;
  const sets = columns.map((column, index) => `${column} = $${index + 2}`);
  await to.db.query(`update rotor.dependencies set ${sets.join(', ')} where id = $1`, [
    before.id,
    ...Object.values(wanted),
  ]);
  to.changes.push({ change: 'change', kind: 'dependency', name: path, fields });
}
