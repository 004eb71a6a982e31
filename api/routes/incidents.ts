/** Routes about incidents: what one would contain, starting it, how far it is, and its report. */
import { refuseNothing } from '../../domain/campaign.js';
import {
  begunBefore,
  planCampaign,
  type NamedSubject,
} from '../../infra/registry/campaign-request.js';
import { IncidentBody, IncidentPlanBody, QuarantineEndBody } from '../../schemas/incidents.js';
import { demandOrganization } from '../access.js';
import { callBy, campaignOf, lookingRoutes } from '../campaigns.js';
import { demandWord } from '../confirmation.js';
import type { ApiParts } from '../parts.js';
import { route, type Call, type Route } from '../route.js';

export function incidentRoutes(parts: ApiParts): Route[] {
  const { pool } = parts;
  return [
    route({
      method: 'POST',
      url: '/v1/incidents/plan',
      right: 'read',
      body: IncidentPlanBody,
      handle: ({ body, by }) => {
        const subject = subjectOf(body, by);
        return planCampaign(pool, { subject, leakedBefore: new Date(body.leakedBefore) });
      },
    }),
    route({
      method: 'POST',
      url: '/v1/incidents',
      right: 'contain',
      body: IncidentBody,
      handle: (call) => start(parts, call),
    }),
    route({
      method: 'POST',
      url: '/v1/incidents/:campaign/release',
      right: 'contain',
      body: QuarantineEndBody,
      handle: async ({ params, body: { reason }, by }) => {
        const { id } = await campaignOf(parts, 'incident', { params, by });
        return parts.endQuarantine({ campaignId: String(id), by: by.name, reason });
      },
    }),
    ...lookingRoutes(parts, 'incident'),
  ];
}

async function start(parts: ApiParts, asked: Call<IncidentBody>): Promise<unknown> {
  const { body, by } = asked;
  demandWord(body.confirm);
  const { quarantine, atOnce, reason } = body;
  const subject = subjectOf(body, by);
  const leakedBefore = new Date(body.leakedBefore);
  const wanted = { kind: 'incident', subject, leakedBefore, quarantine, atOnce, reason } as const;
  const call = callBy(asked, wanted);
  // Who is quarantined is the wish itself; and what was asked before may be over by now.
  if (!quarantine && (await begunBefore(parts.pool, call)) === undefined)
    refuseNothing(body.leakedBefore, await planCampaign(parts.pool, { subject, leakedBefore }));
  return { campaign: await parts.startCampaign(call) };
}

/** Only of the caller's own organization, where the token is for one. */
function subjectOf(body: IncidentPlanBody, by: Call<unknown>['by']): NamedSubject {
  if (body.organization !== undefined) {
    demandOrganization(by, body.organization);
    return { organization: body.organization };
  }
  const named = [body.dependent, ...(body.secrets ?? [])].flatMap((text) => text ?? []);
  const pairs = named.map((text) => {
    const [organization = '', name = ''] = text.split('/');
    demandOrganization(by, organization);
    return { organization, name };
  });
  const [first] = pairs;
  if (body.dependent !== undefined && first !== undefined) return { dependent: first };
  return { secrets: pairs };
}
