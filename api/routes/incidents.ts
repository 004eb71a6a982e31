/** Routes about incidents: what one would contain, starting it, how far it is, and its report. */
import { RotorError } from '../../domain/errors.js';
import {
  campaignSecrets,
  findCampaign,
  listCampaigns,
  planCampaign,
  type NamedSubject,
} from '../../infra/registry/campaigns.js';
import type { Row } from '../../infra/registry/views.js';
import { IncidentBody, IncidentPlanBody } from '../../schemas/incidents.js';
import { demandOrganization } from '../access.js';
import { demandWord } from '../confirmation.js';
import { incidentReport } from '../incident-report.js';
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
      method: 'GET',
      url: '/v1/incidents',
      right: 'read',
      handle: ({ by }) => listCampaigns(pool, by.organization),
    }),
    route({
      method: 'GET',
      url: '/v1/incidents/:incident',
      right: 'read',
      handle: (call) => show(parts, call),
    }),
    route({
      method: 'GET',
      url: '/v1/incidents/:incident/report',
      right: 'read',
      handle: async (call) => incidentReport(await show(parts, call)),
    }),
  ];
}

async function start(parts: ApiParts, { body, by }: Call<IncidentBody>): Promise<unknown> {
  demandWord(body.confirm);
  const { quarantine, atOnce, reason } = body;
  const subject = subjectOf(body, by);
  const leakedBefore = new Date(body.leakedBefore);
  const call = { subject, leakedBefore, quarantine, atOnce, reason };
  return { incident: await parts.startIncident({ ...call, by: by.name, person: by.person }) };
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

async function show(
  { pool }: ApiParts,
  { params, by }: Call<unknown>,
): Promise<{ readonly incident: Row; readonly secrets: readonly Row[] }> {
  const incident = await findCampaign(pool, params['incident'] ?? '');
  const isTheirs = by.organization === undefined || by.organization === incident?.['organization'];
  if (incident === undefined || !isTheirs) {
    throw new RotorError('no-such-incident', 'there is no such incident', {
      kind: 'missing',
      hint: 'rotor incident list shows them',
    });
  }
  return { incident, secrets: await campaignSecrets(pool, String(incident['id'])) };
}
