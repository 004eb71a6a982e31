/** Routes about secrets: what there is, who uses it, what a run would do, and asking for one. */
import { SecretValue } from '../../domain/secret-value.js';
import {
  listRetired,
  listSecrets,
  secretDependencies,
  secretFindings,
  secretUse,
  secretVersions,
} from '../../infra/registry/views.js';
import { tasksOf } from '../../infra/registry/task-views.js';
import { checkQuery, ListQuery } from '../../schemas/questions.js';
import { AdoptBody, PlanBody, RunBody } from '../../schemas/requests.js';
import { imagineLive, nameOf } from '../imagine.js';
import type { ApiParts } from '../parts.js';
import { route, type Call, type Route } from '../route.js';
import { requestRun, showPlan } from '../run-request.js';

const one = '/v1/secrets/:organization/:secret';

export function secretRoutes(parts: ApiParts): Route[] {
  return [
    route({
      method: 'GET',
      url: '/v1/secrets',
      right: 'read',
      handle: (call) => list(parts, call),
    }),
    route({
      method: 'GET',
      url: one,
      right: 'read',
      handle: (call) => showSecret(parts, call),
    }),
    route({
      method: 'POST',
      url: `${one}/plan`,
      right: 'read',
      body: PlanBody,
      handle: (call) => showPlan(parts, call),
    }),
    route({
      method: 'POST',
      url: `${one}/runs`,
      right: 'operate',
      body: RunBody,
      handle: (call) => requestRun(parts, call),
    }),
    route({
      method: 'POST',
      url: `${one}/adopt`,
      right: 'operate',
      body: AdoptBody,
      handle: (call) => adopt(parts, call),
    }),
  ];
}

function list({ pool }: ApiParts, { query, by }: Call<unknown>): Promise<unknown> {
  const { retired, label } = checkQuery(ListQuery, query);
  return (retired === true ? listRetired : listSecrets)(pool, by.organization, label);
}

function adopt(parts: ApiParts, { params, body, by }: Call<AdoptBody>): Promise<unknown> {
  return parts.adopt({
    ...nameOf(params),
    credentialId: body.credentialId,
    value: body.value === undefined ? undefined : new SecretValue(body.value),
    kept: body.kept,
    by: by.name,
  });
}

async function showSecret(parts: ApiParts, { params, by }: Call<unknown>): Promise<unknown> {
  const request = { kind: 'rotate', options: {}, by: by.name } as const;
  const facts = await imagineLive(parts, nameOf(params), request);
  const { secretId } = facts.secret;
  const [versions, dependencies, use, findings, tasks] = await Promise.all([
    secretVersions(parts.pool, secretId),
    secretDependencies(parts.pool, secretId),
    secretUse(parts.pool, secretId),
    secretFindings(parts.pool, secretId),
    tasksOf(parts.pool, { secretId }),
  ]);
  const { secret, policy, traits, record } = facts;
  return { ...secret, policy, traits, record, versions, dependencies, use, findings, tasks };
}
