/** Checks declarations with what only the kinds know, and applies them. */
import type { z } from 'zod';
import { connectorKinds } from '../connectors/index.js';
import { AdapterError, RotorError, type Problem } from '../domain/errors.js';
import type { Declarations } from '../domain/declarations.js';
import {
  applyDeclarations,
  invalidDeclarations,
  type Applied,
} from '../infra/registry/inventory.js';
import type {
  Checked,
  CheckedDestination,
  DeclarationChecks,
} from '../infra/registry/inventory-change.js';
import { issuerKinds } from '../issuers/index.js';
import { checkDeclarations } from '../schemas/declarations.js';
import { check, nearest } from '../schemas/problems.js';
import type { DeclarationCall } from '../api/parts.js';
import type { Parts } from './parts.js';
import type { Settings } from './settings.js';

export async function declare(
  settings: Settings,
  parts: Parts,
  call: DeclarationCall,
): Promise<Applied> {
  const checked = checkDeclarations(call.documents);
  if ('problems' in checked) throw invalidDeclarations(checked.problems);
  refuseOthers(checked.value, call.organization);
  const { pool, audit } = parts;
  return applyDeclarations(
    { pool, audit, checks: checksOf(settings) },
    { declarations: checked.value, by: call.by, dryRun: call.dryRun },
  );
}

function refuseOthers({ organizations }: Declarations, own: string | undefined): void {
  const other = organizations.find(({ name }) => own !== undefined && name !== own);
  if (other === undefined) return;
  throw new RotorError(
    'not-allowed',
    `this token is for ${own ?? ''} only, not for ${other.name}`,
    { kind: 'denied' },
  );
}

function checksOf({ configuration }: Settings): DeclarationChecks {
  return {
    specification: (issuer, specification) => {
      const instance = configuration.issuers[issuer];
      const kind = issuerKinds.find((one) => one.kind === instance?.kind);
      if (kind === undefined) return missing('issuer', issuer, Object.keys(configuration.issuers));
      const parsed = check<z.ZodType<object>>(kind.specification, specification);
      if ('problems' in parsed) return parsed;
      const principal = kind.principal(parsed.value as never);
      return { value: { specification: { ...parsed.value }, principal } };
    },
    destination: (connector, address) =>
      checkDestination(configuration.connectors, connector, address),
  };
}

function missing(what: string, name: string, known: readonly string[]): { problems: Problem[] } {
  const meant = nearest(name, known);
  const hint =
    meant === undefined ? `configured: ${known.join(', ') || 'none'}` : `did you mean ${meant}?`;
  return { problems: [{ path: what, message: `there is no ${what} ${name}`, hint }] };
}

function checkDestination(
  configured: Readonly<Record<string, unknown>>,
  connector: string,
  address: unknown,
): Checked<CheckedDestination> {
  const kind = connectorKinds.find((one) => one.kind === connector);
  const options = configured[connector];
  if (kind === undefined || options === undefined)
    return missing('connector', connector, Object.keys(configured));
  const parsed = check<z.ZodType<object>>(kind.address, address);
  if ('problems' in parsed) return parsed;
  try {
    const identity = kind.identity(parsed.value as never, kind.options.parse(options) as never);
    return { value: { identity, address: { ...parsed.value } } };
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    return { problems: [{ path: connector, message: error.message }] };
  }
}
