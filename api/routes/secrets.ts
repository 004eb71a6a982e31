/** Routes about secrets: what there is, who uses it, what a run would do, and asking for one. */
import { randomUUID } from 'node:crypto';
import { namesNobody, unknownNames } from '../../domain/acceptance.js';
import type { Facts, RunOptions } from '../../domain/facts.js';
import { planRun } from '../../domain/plan.js';
import { noSuchSecret, type ImaginedRequest, type SecretName } from '../../domain/registry.js';
import { SecretValue } from '../../domain/secret-value.js';
import { liveVersions } from '../../domain/progress.js';
import type { Principal } from '../../infra/registry/access-tokens.js';
import { planHash } from '../../infra/registry/plan-hash.js';
import {
  listSecrets,
  secretDependencies,
  secretFindings,
  secretUse,
  secretVersions,
} from '../../infra/registry/views.js';
import { AdoptBody, PlanBody, RunBody } from '../../schemas/requests.js';
import { demandConfirmation, mayBreak } from '../confirmation.js';
import type { ApiParts } from '../parts.js';
import { previewOf } from '../preview.js';
import { route, type Call, type Route } from '../route.js';

const one = '/v1/secrets/:organization/:secret';

export function secretRoutes(parts: ApiParts): Route[] {
  const { pool } = parts;
  return [
    route({
      method: 'GET',
      url: '/v1/secrets',
      right: 'read',
      handle: ({ by }) => listSecrets(pool, by.organization),
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

function adopt(parts: ApiParts, { params, body, by }: Call<AdoptBody>): Promise<unknown> {
  return parts.adopt({
    ...nameOf(params),
    credentialId: body.credentialId,
    value: body.value === undefined ? undefined : new SecretValue(body.value),
    by: by.name,
  });
}

function nameOf(params: Call<unknown>['params']): SecretName {
  return { organization: params['organization'] ?? '', secret: params['secret'] ?? '' };
}

async function imagine(
  parts: ApiParts,
  params: Call<unknown>['params'],
  request: ImaginedRequest,
): Promise<Facts> {
  const name = nameOf(params);
  const facts = await parts.registry.imagine(name, request);
  if (facts === undefined) throw noSuchSecret(name);
  return facts;
}

/** With use as the issuer tells it now: where nothing happens to a secret, it is collected once a minute. */
async function imagineLive(...asked: Parameters<typeof imagine>): Promise<Facts> {
  const [parts] = asked;
  await parts.refresh(await imagine(...asked));
  return imagine(...asked);
}

async function showSecret(parts: ApiParts, { params, by }: Call<unknown>): Promise<unknown> {
  const facts = await imagineLive(parts, params, { kind: 'rotate', options: {}, by: by.name });
  const { secretId } = facts.secret;
  const [versions, dependencies, use, findings] = await Promise.all([
    secretVersions(parts.pool, secretId),
    secretDependencies(parts.pool, secretId),
    secretUse(parts.pool, secretId),
    secretFindings(parts.pool, secretId),
  ]);
  const { secret, policy, traits, record } = facts;
  return { ...secret, policy, traits, record, versions, dependencies, use, findings };
}

async function showPlan(parts: ApiParts, { params, body, by }: Call<PlanBody>): Promise<unknown> {
  const options = optionsOf(body, by);
  const facts = await imagineLive(parts, params, { kind: body.kind, options, by: by.name });
  const plan = planRun(facts);
  return { ...previewOf(facts, plan), hash: planHash(facts, plan) };
}

async function requestRun(parts: ApiParts, call: Call<RunBody>): Promise<unknown> {
  const { params, body, by } = call;
  const options = optionsOf(body, by);
  if (isOnTheirWord(body)) demandConfirmation(by, body.confirm);
  const asked = { kind: body.kind, options, by: by.name };
  // Only a source that is named has to be looked for at the issuer: containing waits for nobody.
  const look = options.acceptedOutage?.sources.length ? imagineLive : imagine;
  if (options.acceptedOutage !== undefined || options.versionIds !== undefined)
    refuseUnknown(await look(parts, params, asked));
  return parts.request({
    ...nameOf(params),
    kind: body.kind,
    requestedBy: by.name,
    reason: body.reason,
    options,
    idempotencyKey: `${by.name}:${call.idempotencyKey ?? randomUUID()}`,
  });
}

function isOnTheirWord({ kind, acceptOutage, acceptUnseenUse }: RunBody): boolean {
  return kind !== 'rotate' || acceptOutage !== undefined || acceptUnseenUse === true;
}

/** A name that is mistyped accepts nothing, and an id that is not there contains nothing. */
function refuseUnknown(facts: Facts): void {
  const { acceptedOutage, versionIds = [] } = facts.run.options;
  const live = liveVersions(facts).map(({ versionId }) => versionId);
  const problems = [
    ...(acceptedOutage === undefined ? [] : unknownNames(facts, acceptedOutage)),
    ...versionIds
      .filter((id) => !live.includes(id))
      .map((id) => ({ path: 'versionIds', message: `${id} is no live version of this secret` })),
  ];
  if (problems.length > 0) throw namesNobody(problems);
}

function optionsOf(body: PlanBody, by: Principal): RunOptions {
  const reason = body.reason ?? '';
  return {
    ...(body.versionIds === undefined ? {} : { versionIds: body.versionIds }),
    ...(body.everyVersion === true ? { everyVersion: true } : {}),
    ...(body.replaceFirst === undefined ? {} : { replaceFirstMs: body.replaceFirst }),
    ...(body.noDependentsKnown === true ? { noDependentsKnown: true } : {}),
    ...(body.acceptUnseenUse === true ? { acceptedUnseenUse: { by: by.name, reason } } : {}),
    ...(body.acceptOutage === undefined
      ? {}
      : { acceptedOutage: { by: by.name, reason, ...mayBreak(body.acceptOutage) } }),
  } as RunOptions;
}
