/** What the registry knows of organizations, for whoever checks declarations before anything is locked. */
import type { KnownOrganization, Origin } from '../../domain/declarations.js';
import type { Policy } from '../../domain/policy.js';
import type { InventoryParts } from './inventory-change.js';

interface Row {
  readonly name: string;
  readonly policies: readonly Policy[];
  readonly dependents: readonly string[];
  readonly secrets: readonly string[];
  readonly live: readonly { name: string; issuer: string; specification: unknown }[];
}

/** One statement: everything is of the same moment. */
export async function knownOrganizations(
  { pool, principalOf }: Pick<InventoryParts, 'pool' | 'principalOf'>,
  names: readonly string[],
): Promise<ReadonlyMap<string, KnownOrganization>> {
  const { rows } = await pool.query<Row>(
    `select o.name,
       array(select p.policy from rotor.policies p where p.organization_id = o.id) as policies,
       array(select d.name from rotor.dependents d
             where d.organization_id = o.id and d.retired_at is null) as dependents,
       array(select s.name from rotor.secrets s
             where s.organization_id = o.id and s.retired_at is null) as secrets,
       array(select jsonb_build_object('name', s.name, 'issuer', s.issuer, 'specification', s.specification)
             from rotor.secrets s where s.organization_id = o.id and s.retired_at is null
               and exists (select from rotor.versions v where v.secret_id = s.id
                           and v.state not in ('revoked', 'ended'))) as live
     from rotor.organizations o where o.name = any($1)`,
    [names],
  );
  return new Map(rows.map((row) => [row.name, knownOf(row, principalOf)]));
}

function knownOf(
  { policies, dependents, secrets, live }: Row,
  principalOf: InventoryParts['principalOf'],
): KnownOrganization {
  const origins = live.map(({ name, issuer, specification }): [string, Origin] => [
    name,
    { issuer, principal: principalOf(issuer, specification) },
  ]);
  return {
    policies: new Map(policies.map((policy) => [policy.name, policy])),
    dependents: new Set(dependents),
    origins: new Map(origins),
    secrets: new Set(secrets),
  };
}
