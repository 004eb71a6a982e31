/** Routes about projects that are over: what completing one would end, and doing it. */
import { nothingLeft } from '../../domain/campaign.js';
import { openProjectsOf } from '../../infra/registry/campaign-overlap.js';
import { begunBefore, planCampaign } from '../../infra/registry/campaign-request.js';
import { ProjectBody, ProjectPlanBody } from '../../schemas/projects.js';
import { demandOrganization } from '../access.js';
import { callBy, lookingRoutes } from '../campaigns.js';
import { demandWord } from '../confirmation.js';
import type { ApiParts } from '../parts.js';
import { route, type Call, type Route } from '../route.js';

export function projectRoutes(parts: ApiParts): Route[] {
  return [
    route({
      method: 'POST',
      url: '/v1/projects/plan',
      right: 'read',
      body: ProjectPlanBody,
      handle: ({ body: subject, by }) => {
        demandOrganization(by, subject.organization);
        return planCampaign(parts.pool, { subject });
      },
    }),
    route({
      method: 'POST',
      url: '/v1/projects',
      right: 'contain',
      body: ProjectBody,
      handle: (call) => complete(parts, call),
    }),
    ...lookingRoutes(parts, 'project'),
  ];
}

async function complete(parts: ApiParts, asked: Call<ProjectBody>): Promise<unknown> {
  const { body, by } = asked;
  demandWord(body.confirm);
  demandOrganization(by, body.organization);
  const { organization, labels, atOnce, reason } = body;
  const subject = { organization, labels };
  const wanted = { kind: 'project', subject, quarantine: false, atOnce, reason } as const;
  const call = callBy(asked, wanted);
  const repeated = (await begunBefore(parts.pool, call)) !== undefined;
  const secrets = (await planCampaign(parts.pool, { subject })).map(({ secretId }) => secretId);
  if (secrets.length === 0 && !repeated) throw nothingLeft(organization, labels);
  const alsoIn = repeated ? [] : await openProjectsOf(parts.pool, secrets);
  return { campaign: await parts.startCampaign(call), alsoIn };
}
