/** Routes about dependents: who they are, retiring one, and giving it no new value. */
import { listDependents } from '../../infra/registry/dependents.js';
import { WithholdingBody } from '../../schemas/requests.js';
import type { ApiParts } from '../parts.js';
import { route, type Call, type Route } from '../route.js';

const one = '/v1/dependents/:organization/:dependent';

export function dependentRoutes(parts: ApiParts): Route[] {
  const named = ({ params, by }: Call<unknown>) => ({
    organization: params['organization'] ?? '',
    dependent: params['dependent'] ?? '',
    by: by.name,
  });
  return [
    route({
      method: 'GET',
      url: '/v1/dependents',
      right: 'read',
      handle: ({ by }) => listDependents(parts.pool, by.organization),
    }),
    route({
      method: 'POST',
      url: `${one}/retire`,
      right: 'operate',
      handle: (call) => parts.retireDependent(named(call)),
    }),
    route({
      method: 'POST',
      url: `${one}/withhold`,
      right: 'contain',
      body: WithholdingBody,
      handle: (call) =>
        parts.withhold({ ...named(call), secret: call.body.secret, reason: call.body.reason }),
    }),
    route({
      method: 'POST',
      url: `${one}/release`,
      right: 'contain',
      body: WithholdingBody,
      handle: (call) =>
        parts.release({ ...named(call), secret: call.body.secret, reason: call.body.reason }),
    }),
  ];
}
