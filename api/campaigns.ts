/** What the routes about incidents and projects share: the campaigns of a kind, as far as the caller may see them. */
import { RotorError } from '../domain/errors.js';
import type { CampaignKind } from '../domain/campaign.js';
import type { CampaignCall } from '../infra/registry/campaign-request.js';
import { campaignSecrets, findCampaign, listCampaigns } from '../infra/registry/campaigns.js';
import { campaignReport, type CampaignView } from './campaign-report.js';
import type { Row } from '../infra/registry/views.js';
import type { ApiParts } from './parts.js';
import { keyOf, route, type Call, type Route } from './route.js';

/** Under `/v1/incidents` or `/v1/projects`: all of them, one, and its report. */
export function lookingRoutes(parts: ApiParts, kind: CampaignKind): Route[] {
  const url = `/v1/${kind}s`;
  return [
    route({
      method: 'GET',
      url,
      right: 'read',
      handle: ({ by }) => listCampaigns(parts.pool, kind, by.organization),
    }),
    route({
      method: 'GET',
      url: `${url}/:campaign`,
      right: 'read',
      handle: (call) => show(parts, kind, call),
    }),
    route({
      method: 'GET',
      url: `${url}/:campaign/report`,
      right: 'read',
      handle: async (call) => campaignReport(await show(parts, kind, call)),
    }),
  ];
}

type Wanted = Omit<CampaignCall, 'by' | 'person' | 'idempotencyKey'>;

export function callBy(asked: Call<unknown>, wanted: Wanted): CampaignCall {
  const { name: by, person } = asked.by;
  return { ...wanted, by, person, idempotencyKey: keyOf(asked) };
}

async function show(
  parts: ApiParts,
  kind: CampaignKind,
  call: Call<unknown>,
): Promise<CampaignView> {
  const campaign = await campaignOf(parts, kind, call);
  return { campaign, secrets: await campaignSecrets(parts.pool, String(campaign['id'])) };
}

/** As the path names it, and as far as the caller may see it. */
export async function campaignOf(
  { pool }: Pick<ApiParts, 'pool'>,
  kind: CampaignKind,
  { params, by }: Pick<Call<unknown>, 'params' | 'by'>,
): Promise<Row> {
  const campaign = await findCampaign(pool, kind, params['campaign'] ?? '');
  const isTheirs = by.organization === undefined || by.organization === campaign?.['organization'];
  if (campaign !== undefined && isTheirs) return campaign;
  throw new RotorError(`no-such-${kind}`, `there is no such ${kind}`, {
    kind: 'missing',
    hint: `rotor ${kind} list shows them`,
  });
}
