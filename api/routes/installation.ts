/** Routes about the installation: declarations, access tokens, audit, health of its parts. */
import { Readable } from 'node:stream';
import { RotorError } from '../../domain/errors.js';
import { hasRight } from '../../domain/role.js';
import { SecretValue } from '../../domain/secret-value.js';
import {
  createAccessToken,
  listAccessTokens,
  revokeAccessToken,
  type Principal,
} from '../../infra/registry/access-tokens.js';
import type { AuditVerdict } from '../../infra/registry/audit-verify.js';
import { exportAudit } from '../../infra/registry/audit-export.js';
import { heartbeat } from '../../infra/registry/recovery.js';
import { checkQuery, ExportQuery, refuseReversed } from '../../schemas/questions.js';
import { DeclarationsBody, IdentifyBody, TokenBody } from '../../schemas/requests.js';
import { demandInstallation } from '../access.js';
import type { ApiParts } from '../parts.js';
import { route, type Call, type Route } from '../route.js';

export function installationRoutes(parts: ApiParts): Route[] {
  return [
    route({
      method: 'POST',
      url: '/v1/declarations',
      right: 'operate',
      body: DeclarationsBody,
      handle: ({ body, by }) =>
        parts.declare({
          ...body,
          by: by.name,
          organization: by.organization,
          mayLoosen: hasRight(by.role, 'contain'),
        }),
    }),
    route({
      method: 'POST',
      url: '/v1/identify',
      right: 'contain',
      body: IdentifyBody,
      handle: ({ body, by }) => parts.identify(new SecretValue(body.value), by.organization),
    }),
    route({
      method: 'GET',
      url: '/v1/checks',
      right: 'read',
      handle: ({ by }) => parts.checks({ audit: mayVerify(by) }),
    }),
    // Cheaper than the checks: whoever waits for a worker asks often.
    route({
      method: 'GET',
      url: '/v1/heartbeat',
      right: 'read',
      handle: () => heartbeat(parts.pool),
    }),
    ...auditRoutes(parts),
    ...tokenRoutes(parts),
  ];
}

function auditRoutes(parts: ApiParts): Route[] {
  return [
    route({
      method: 'GET',
      url: '/v1/audit/verify',
      right: 'administer',
      handle: ({ by }) => verifyAudit(parts, by),
    }),
    route({
      method: 'GET',
      url: '/v1/audit/export',
      right: 'administer',
      handle: (call) => exportTrail(parts, call),
    }),
    route({
      method: 'GET',
      url: '/v1/audit/key',
      right: 'read',
      handle: () => {
        const { keyId, publicKey } = parts.signer();
        return Promise.resolve({ keyId, publicKey });
      },
    }),
  ];
}

function tokenRoutes(parts: ApiParts): Route[] {
  return [
    route({
      method: 'GET',
      url: '/v1/tokens',
      right: 'administer',
      handle: ({ by }) => listAccessTokens(parts.pool, by.organization),
    }),
    route({
      method: 'POST',
      url: '/v1/tokens',
      right: 'administer',
      body: TokenBody,
      handle: async ({ body, by }: Call<TokenBody>) => {
        refuseWider(by.organization, body.organization);
        const { validFor, organization, person, ...request } = body;
        const owner = person ?? (body.holder === 'person' ? body.name : undefined);
        const expiresAt = new Date(Date.now() + validFor);
        const wanted = { ...request, organization, expiresAt, person: owner };
        const token = await createAccessToken(parts, wanted, by.name);
        return { token, expiresAt };
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/tokens/:name',
      right: 'administer',
      handle: async ({ params, by }) => {
        const name = params['name'] ?? '';
        const { organization } = by;
        if (await revokeAccessToken(parts, { name, organization, by: by.name }))
          return { revoked: name };
        throw new RotorError('no-such-token', 'there is no token of that name', {
          kind: 'missing',
        });
      },
    }),
  ];
}

/** An organization's administrator makes tokens for that organization only. */
function refuseWider(own: string | undefined, asked: string | undefined): void {
  if (own === undefined || own === asked) return;
  throw new RotorError('not-allowed', `only tokens for ${own} can be made with this one`, {
    kind: 'denied',
  });
}

/** Every event of every chain is read, and the faults name the chains of all organizations. */
async function verifyAudit(parts: ApiParts, by: Principal): Promise<AuditVerdict> {
  demandInstallation(by, 'the audit trail is verified as a whole');
  return parts.verifyAudit();
}

function mayVerify({ role, organization }: Principal): boolean {
  return hasRight(role, 'administer') && organization === undefined;
}

async function exportTrail(
  { audit, pool, signer }: ApiParts,
  { by, query }: Call<unknown>,
): Promise<Readable> {
  demandInstallation(by, 'the audit trail is exported as a whole');
  const { secret, from, to } = checkQuery(ExportQuery, query);
  refuseReversed({ ...(from && { from }), ...(to && { to }) });
  const asked = { secret, from, to, by: by.name };
  const lines = await exportAudit({ pool, audit, signer: signer() }, asked);
  return Readable.from(lines, { objectMode: false });
}
