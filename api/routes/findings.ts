/** Routes about findings: what there is, what somebody knows of already, and looking for more. */
import { RotorError } from '../../domain/errors.js';
import type { FindingCode } from '../../domain/finding.js';
import {
  listFindings,
  muteFinding,
  unmuteFinding,
  type FindingNamed,
} from '../../infra/registry/finding-views.js';
import { checkQuery, FindingsQuery, MuteBody } from '../../schemas/questions.js';
import { askedOrganization, demandInstallation } from '../access.js';
import type { ApiParts } from '../parts.js';
import { route, type Call, type Route } from '../route.js';

export function findingRoutes(parts: ApiParts): Route[] {
  return [
    route({
      method: 'GET',
      url: '/v1/findings',
      right: 'read',
      handle: (call) => list(parts, call),
    }),
    route({
      method: 'POST',
      url: '/v1/findings/:finding/mute',
      right: 'operate',
      body: MuteBody,
      handle: (call: Call<MuteBody>) => muteFinding(parts, named(call), call.body),
    }),
    route({
      method: 'DELETE',
      url: '/v1/findings/:finding/mute',
      right: 'operate',
      handle: (call) => unmuteFinding(parts, named(call)),
    }),
    route({
      method: 'POST',
      url: '/v1/sweep',
      right: 'operate',
      handle: (call) => sweep(parts, call),
    }),
    route({
      method: 'GET',
      url: '/v1/sweep',
      right: 'read',
      handle: () => parts.sweepState(),
    }),
  ];
}

async function list({ pool }: ApiParts, { query, by }: Call<unknown>): Promise<unknown> {
  const { code, organization: named, ...asked } = checkQuery(FindingsQuery, query);
  const organization = await askedOrganization(pool, by, named);
  return listFindings(pool, { ...asked, organization, code: code as FindingCode | undefined });
}

function named({ params, by }: Call<unknown>): FindingNamed {
  return { finding: params['finding'] ?? '', organization: by.organization, by: by.name };
}

async function sweep(parts: ApiParts, { by }: Call<unknown>): Promise<unknown> {
  demandInstallation(by, 'a sweep is of the whole installation');
  if (await parts.registry.sweeps.isRecovering()) {
    const message =
      'the database is older than what issuers hold: nothing is swept until that was adopted';
    throw new RotorError('recovering', message, { kind: 'conflict' });
  }
  return parts.startSweep();
}
