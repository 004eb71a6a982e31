/** Routes about schedules: when secrets rotate, and what people decide about it. */
import { RotorError } from '../../domain/errors.js';
import { ScheduleChangeBody, SlotSkipBody } from '../../schemas/requests.js';
import { nameOf } from '../imagine.js';
import type { ApiParts } from '../parts.js';
import { route, type Call, type Route } from '../route.js';

const one = '/v1/secrets/:organization/:secret/schedule';

export function scheduleRoutes(parts: ApiParts): Route[] {
  return [
    route({
      method: 'GET',
      url: '/v1/schedules',
      right: 'read',
      handle: ({ by }) => parts.schedules.list(by.organization),
    }),
    route({
      method: 'GET',
      url: one,
      right: 'read',
      handle: ({ params, query }) => parts.schedules.show(nameOf(params), countOf(query)),
    }),
    route({
      method: 'POST',
      url: `${one}/pause`,
      right: 'operate',
      body: ScheduleChangeBody,
      handle: (call) => parts.schedules.pause(changeOf(call)),
    }),
    route({
      method: 'POST',
      url: `${one}/resume`,
      right: 'operate',
      body: ScheduleChangeBody,
      handle: (call) => parts.schedules.resume(changeOf(call)),
    }),
    route({
      method: 'POST',
      url: `${one}/skip`,
      right: 'operate',
      body: SlotSkipBody,
      handle: (call) => parts.schedules.skip({ ...changeOf(call), slot: call.body.slot }),
    }),
  ];
}

function changeOf({ params, body, by }: Call<ScheduleChangeBody>) {
  return { ...nameOf(params), by: by.name, reason: body.reason };
}

const usualCount = 10;
const mostCount = 100;

function countOf({ count = usualCount }: Call<unknown>['query']): number {
  const wanted = Number(count);
  if (Number.isInteger(wanted) && wanted >= 1 && wanted <= mostCount) return wanted;
  const problems = [{ path: 'count', message: `expected a number from 1 to ${mostCount}` }];
  const about = { kind: 'invalid', problems } as const;
  throw new RotorError('query-invalid', 'the request is not what was expected', about);
}
