/** Checks declarations with what the kinds and the registry know, and applies them. */
import type { z } from 'zod';
import type { DeclarationCall } from '../api/parts.js';
import { connectorKinds } from '../connectors/index.js';
import { AdapterError, RotorError, type Problem } from '../domain/errors.js';
import type { IssuerTraits } from '../domain/issuer.js';
import { whyNever } from '../infra/calendar.js';
import {
  applyDeclarations,
  invalidDeclarations,
  type Applied,
} from '../infra/registry/inventory.js';
import { knownOrganizations } from '../infra/registry/inventory-known.js';
import { issuerKinds } from '../issuers/index.js';
import type { ConfiguredInstance } from '../schemas/configuration.js';
import { checkDeclarations, readDocuments, type ReadDocuments } from '../schemas/declarations.js';
import type { CheckedDestination, CheckedSpecification, Kinds } from '../schemas/kinds.js';
import { check, nearest, type Checked } from '../schemas/problems.js';
import { asksPeople, type Parts } from './parts.js';
import { isNamedNow, type Settings } from './settings.js';

/** Throws `declarations-invalid` with every problem at once; then nothing was changed. */
export async function declare(
  settings: Settings,
  parts: Parts,
  call: DeclarationCall,
): Promise<Applied> {
  const { pool, audit } = parts;
  const kinds = kindsOf(settings);
  const read = readDocuments(call.documents);
  refuseOthers(read, call.organization);
  const principalOf = (issuer: string, specification: unknown): string | undefined => {
    const checked = kinds.specification(issuer, specification);
    return 'value' in checked ? checked.value.principal : undefined;
  };
  const known = await knownOrganizations({ pool, principalOf }, read.organizations);
  const checked = checkDeclarations(read, { kinds, known });
  if ('problems' in checked) throw invalidDeclarations(checked.problems);
  return applyDeclarations(
    { pool, audit, principalOf },
    {
      declarations: checked.value,
      by: call.by,
      dryRun: call.dryRun,
      mayLoosen: call.mayLoosen,
    },
  );
}

function refuseOthers({ organizations }: ReadDocuments, own: string | undefined): void {
  const other = organizations.find((name) => own !== undefined && name !== own);
  if (other === undefined) return;
  throw new RotorError('not-allowed', `this token is for ${own ?? ''} only, not for ${other}`, {
    kind: 'denied',
  });
}

function kindsOf(settings: Settings): Kinds {
  return {
    traits: (issuer) => traitsOf(settings.configuration.issuers[issuer]),
    specification: (issuer, specification) => checkSpecification(settings, issuer, specification),
    destination: (connector, address) => checkDestination(settings, connector, address),
    asksPeople,
    whyNever,
  };
}

function traitsOf(instance: ConfiguredInstance | undefined): IssuerTraits | undefined {
  const kind = issuerKinds.find((one) => one.kind === instance?.kind);
  return kind?.traits(instance?.options as never);
}

function checkSpecification(
  settings: Settings,
  issuer: string,
  specification: unknown,
): Checked<CheckedSpecification> {
  const instance = settings.configuration.issuers[issuer];
  const kind = issuerKinds.find((one) => one.kind === instance?.kind);
  if (kind === undefined) return missing(settings, 'issuer', issuer);
  const parsed = check<z.ZodType<object>>(kind.specification, specification, 'specification');
  if ('problems' in parsed) return parsed;
  const principal = kind.principal(parsed.value as never);
  return { value: { specification: { ...parsed.value }, principal } };
}

function missing(
  settings: Settings,
  what: 'issuer' | 'connector',
  name: string,
): { problems: Problem[] } {
  const hint = isNamedNow(settings, `${what}s`, name)
    ? 'rotor.yaml names it now, and did not when the API started: start the API and the workers again'
    : hintAmong(name, Object.keys(settings.configuration[`${what}s`]));
  return { problems: [{ path: what, message: `there is no ${what} ${name}`, hint }] };
}

function hintAmong(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  if (meant !== undefined) return `did you mean ${meant}?`;
  return `configured when the API started: ${known.join(', ') || 'none'}`;
}

function checkDestination(
  settings: Settings,
  connector: string,
  address: unknown,
): Checked<CheckedDestination> {
  const kind = connectorKinds.find((one) => one.kind === connector);
  const options = settings.configuration.connectors[connector];
  if (kind === undefined || options === undefined) return missing(settings, 'connector', connector);
  const parsed = check<z.ZodType<object>>(kind.address, address, 'destination');
  if ('problems' in parsed) return parsed;
  try {
    const identity = kind.identity(parsed.value as never, options as never);
    // Whom a person's place belongs to does not change by what somebody else says of the same place.
    if ('assignment' in kind)
      return {
        value: { identity, address: {}, assignment: kind.assignment(parsed.value as never) },
      };
    return { value: { identity, address: { ...parsed.value } } };
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    return { problems: [{ path: 'destination', message: error.message }] };
  }
}
