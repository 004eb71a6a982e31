/** Routes about secrets: what there is, who uses it, what a run would do, and asking for one. */
import { randomUUID } from 'node:crypto';
import { RotorError } from '../../domain/errors.js';
import type { Facts, RunOptions } from '../../domain/facts.js';
import { planRun } from '../../domain/plan.js';
import { noSuchSecret, type ImaginedRequest, type SecretName } from '../../domain/registry.js';
import { SecretValue } from '../../domain/secret-value.js';
import { hasRight } from '../../domain/role.js';
import { isLive } from '../../domain/version.js';
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
  demandConfirmation(body, by);
  if (options.acceptedOutage !== undefined || options.versionIds !== undefined)
    refuseUnknown(await imagine(parts, params, { kind: body.kind, options, by: by.name }));
  return parts.request({
    ...nameOf(params),
    kind: body.kind,
    requestedBy: by.name,
    reason: body.reason,
    options,
    idempotencyKey: `${by.name}:${call.idempotencyKey ?? randomUUID()}`,
  });
}

/** A name that is mistyped accepts nothing, and an id that is not there contains nothing. */
function refuseUnknown({ run, dependencies, versions }: Facts): void {
  const { acceptedOutage, versionIds = [] } = run.options;
  const known = dependencies.map(({ dependent }) => dependent);
  const live = versions.filter(({ state }) => isLive(state)).map(({ versionId }) => versionId);
  const problems = [
    ...unknownOf(acceptedOutage?.dependents ?? [], known).map((name) => ({
      path: 'acceptOutage.dependents',
      message: `${name} does not depend on this secret`,
    })),
    ...unknownOf(versionIds, live).map((id) => ({
      path: 'versionIds',
      message: `${id} is no live version of this secret`,
    })),
  ];
  if (problems.length === 0) return;
  throw new RotorError('body-invalid', 'the request names what is not there', {
    kind: 'invalid',
    problems,
  });
}

function unknownOf(named: readonly string[], known: readonly string[]): string[] {
  return named.filter((name) => !known.includes(name));
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
      : { acceptedOutage: { by: by.name, reason, ...cleanSources(body.acceptOutage) } }),
  } as RunOptions;
}

function cleanSources(
  outage: NonNullable<PlanBody['acceptOutage']>,
): Pick<NonNullable<RunOptions['acceptedOutage']>, 'dependents' | 'sources'> {
  const sources = outage.sources.map((source) =>
    Object.fromEntries(Object.entries(source).filter(([, value]) => value !== undefined)),
  );
  return { dependents: outage.dependents, sources };
}

/** Revoking on somebody's word asks for the word, whichever way it is asked for. */
function demandConfirmation(body: RunBody, by: Principal): void {
  const contains = body.kind !== 'rotate';
  const accepts = body.acceptOutage !== undefined || body.acceptUnseenUse === true;
  if ((contains || accepts) && !hasRight(by.role, 'contain')) {
    const message = `${by.name} is ${by.role} and may not revoke or accept an outage`;
    throw new RotorError('not-allowed', message, { kind: 'denied' });
  }
  if (!contains && !accepts) return;
  if (body.confirm === 'revoke') return;
  throw new RotorError('confirmation-needed', 'this revokes a credential, permanently', {
    kind: 'invalid',
    hint: 'type revoke when asked, or say --confirm revoke',
  });
}
