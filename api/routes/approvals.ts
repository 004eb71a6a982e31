/** Routes of people who look at what others ask for: approving a plan, and signing off what could not wait for it. */
import { ApprovalBody, ReviewBody } from '../../schemas/requests.js';
import type { ApiParts } from '../parts.js';
import { route, type Route } from '../route.js';
import { runOf } from './runs.js';

export function approvalRoutes(parts: ApiParts): Route[] {
  return [
    route({
      method: 'POST',
      url: '/v1/runs/:run/approvals',
      right: 'approve',
      body: ApprovalBody,
      handle: async (call) => {
        const runId = String((await runOf(parts, call))['run']);
        const { hash, ...counted } = await parts.approve({ ...call.body, runId, by: call.by });
        return { approved: hash, ...counted };
      },
    }),
    route({
      method: 'POST',
      url: '/v1/runs/:run/review',
      right: 'approve',
      body: ReviewBody,
      handle: async (call) => {
        const runId = String((await runOf(parts, call))['run']);
        await parts.review({ ...call.body, runId, by: call.by });
        return { reviewed: runId };
      },
    }),
  ];
}
