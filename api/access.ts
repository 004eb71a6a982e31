/** Who calls, and whether they may: bearer tokens, roles, organizations. */
import type { FastifyRequest } from 'fastify';
import { RotorError } from '../domain/errors.js';
import { hasRight, type Right } from '../domain/role.js';
import { organizationIdOf, principalOf, type Principal } from '../infra/registry/access-tokens.js';
import type { Queryable } from '../infra/postgres.js';

export async function authenticate(db: Queryable, request: FastifyRequest): Promise<Principal> {
  const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
  const principal = token === undefined ? undefined : await principalOf(db, token);
  if (principal !== undefined) return principal;
  throw new RotorError('unauthenticated', 'no valid token was sent', {
    kind: 'denied',
    hint: 'set ROTOR_TOKEN, or ROTOR_TOKEN_FILE, to a token from rotor token create',
  });
}

export function demand(principal: Principal, right: Right): void {
  if (hasRight(principal.role, right)) return;
  const message = `${principal.name} is ${principal.role} and may not do this (${right})`;
  throw new RotorError('not-allowed', message, { kind: 'denied' });
}

/** A token of one organization sees no other: what is not theirs is missing, not forbidden. */
export function demandOrganization(principal: Principal, organization: string): void {
  if (principal.organization === undefined || principal.organization === organization) return;
  throw new RotorError('no-such-organization', `there is no organization ${organization}`, {
    kind: 'missing',
  });
}

/** Of the organization that was asked about, which is the caller's own where they have one; undefined: of all. */
export async function askedOrganization(
  db: Queryable,
  by: Principal,
  asked: string | undefined,
): Promise<string | undefined> {
  if (asked === undefined) return by.organization;
  demandOrganization(by, asked);
  await organizationIdOf(db, asked);
  return asked;
}

/** What is nobody's alone: a token of one organization may not, whatever its role. */
export function demandInstallation({ organization }: Principal, what: string): void {
  if (organization === undefined) return;
  const message = `${what}, and this token is for ${organization} only`;
  throw new RotorError('not-allowed', message, { kind: 'denied' });
}
