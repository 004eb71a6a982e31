/** From the body of a request to a run: who may ask for it, what its names stand for, and what is refused at the door. */
import { namesNobody, unknownNames } from '../domain/acceptance.js';
import { contentOf } from '../domain/approval.js';
import type { Blocker } from '../domain/blocker.js';
import { RotorError, type Problem } from '../domain/errors.js';
import type { Facts, MayBreak, RunOptions } from '../domain/facts.js';
import { planRun } from '../domain/plan.js';
import {
  noSuchSecret,
  nothingMintedBefore,
  type ImaginedRequest,
  type SecretName,
} from '../domain/registry.js';
import { isLive } from '../domain/version.js';
import type { Principal } from '../infra/registry/access-tokens.js';
import { secretIdOf } from '../infra/registry/named-secret.js';
import { recoveryState } from '../infra/registry/recovery.js';
import { secretOfKey } from '../infra/registry/requests.js';
import { planHash } from '../infra/registry/plan-hash.js';
import { numberedVersions, type NumberedVersion } from '../infra/registry/views.js';
import type { PlanBody, RunBody } from '../schemas/requests.js';
import { demandRight, demandWord, mayBreak } from './confirmation.js';
import { imagine, imagineLive, nameOf } from './imagine.js';
import type { ApiParts } from './parts.js';
import { previewOf, type Preview } from './preview.js';
import { keyOf, type Call } from './route.js';

export async function showPlan(
  parts: ApiParts,
  { params, body, by }: Call<PlanBody>,
): Promise<Preview & { readonly hash: string }> {
  const name = nameOf(params);
  const options = await optionsOf(parts, name, { body, by });
  // A leak is contained no later because its plan is shown: no issuer is asked.
  const asks = body.kind !== 'compromise';
  const asked = { kind: body.kind, options, by: by.name };
  const facts = await (asks ? imagineLive : imagine)(parts, name, asked);
  const plan = planRun(facts);
  const listed = asks ? await parts.listed(facts) : undefined;
  return { ...previewOf(facts, plan, listed), hash: planHash(contentOf(facts, plan)) };
}

export async function requestRun(parts: ApiParts, call: Call<RunBody>): Promise<unknown> {
  const { params, body, by } = call;
  const name = nameOf(params);
  if (body.kind === 'compromise' || accepts(body)) demandRight(by);
  if (body.kind !== 'rotate' || accepts(body)) demandWord(body.confirm);
  const idempotencyKey = keyOf(call);
  const askedBefore = await secretOfKey(parts.pool, idempotencyKey);
  const options = await optionsOf(parts, name, { body, by, askedBefore });
  const asked = { kind: body.kind, options, by: by.name };
  // The same again is the same run, whatever has become of the secret since.
  if (askedBefore === undefined) await refuseAtTheDoor(parts, name, asked);
  const held = await heldBack(parts, body);
  const made = await parts.request({
    ...name,
    kind: body.kind,
    requestedBy: by.name,
    requestedPerson: by.person,
    reason: body.reason,
    options,
    idempotencyKey,
  });
  return { ...made, ...held };
}

/** Taken, and not done: whoever reports a leak is told at once that nothing is revoked now. */
async function heldBack({ pool }: ApiParts, { kind }: RunBody): Promise<{ held?: 'recovering' }> {
  if (kind !== 'compromise') return {};
  return (await recoveryState(pool)).recovering ? { held: 'recovering' } : {};
}

function accepts({ acceptOutage, acceptUnseenUse }: PlanBody): boolean {
  return acceptOutage !== undefined || acceptUnseenUse === true;
}

interface Asked {
  readonly body: PlanBody;
  readonly by: Principal;
  /** The secret, where this key has been used: its versions are named as they were then, dead or not. */
  readonly askedBefore?: string | undefined;
}

async function optionsOf(parts: ApiParts, name: SecretName, asked: Asked): Promise<RunOptions> {
  const { body, by } = asked;
  const said = { by: by.name, reason: body.reason ?? '' };
  const options: Partial<Record<keyof RunOptions, unknown>> = {
    versionIds: body.versions && (await versionIdsOf(parts, name, asked)),
    everyVersion: body.everyVersion === true ? true : undefined,
    leakedBefore: body.leakedBefore && new Date(body.leakedBefore).toISOString(),
    excluded: body.exclude,
    replaceFirstMs: body.replaceFirst,
    noDependentsKnown: body.noDependentsKnown === true ? true : undefined,
    acceptedUnseenUse: body.acceptUnseenUse === true ? said : undefined,
    acceptedOutage: body.acceptOutage && { ...said, ...mayBreak(body.acceptOutage) },
  };
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as RunOptions;
}

/**
 * A version that is not there contains nothing, and revokes nothing. Asked of what is on record alone: a leak is
 * contained though this API knows nothing of its issuer.
 */
async function versionIdsOf(
  { pool }: ApiParts,
  name: SecretName,
  { body: { versions = [] }, askedBefore }: Asked,
): Promise<string[]> {
  const secretId = askedBefore ?? (await secretIdOf(pool, name));
  if (secretId === undefined) throw noSuchSecret(name);
  const all = await numberedVersions(pool, secretId);
  const known = askedBefore === undefined ? all.filter(({ state }) => isLive(state)) : all;
  const found = versions.map((version) => ({ version, id: versionIdOf(known, version) }));
  const problems = found
    .filter(({ id }) => id === undefined)
    .map(({ version }) => ({
      path: 'versions',
      message: `${version} is no live version of this secret`,
    }));
  if (problems.length > 0) throw namesNobody(problems);
  return found.flatMap(({ id }) => id ?? []);
}

function versionIdOf(known: readonly NumberedVersion[], named: string): string | undefined {
  return known.find(
    ({ versionId, ordinal }) =>
      versionId === named || named === `v${ordinal}` || named === `${ordinal}`,
  )?.versionId;
}

const nobody: MayBreak = { dependents: [], sources: [] };

/** A name that is mistyped accepts nothing and excludes nobody; a revoke that would break somebody is not begun. */
async function refuseAtTheDoor(
  parts: ApiParts,
  name: SecretName,
  asked: ImaginedRequest,
): Promise<void> {
  await refuseWithoutScope(parts, name, asked);
  const { acceptedOutage = nobody, excluded = [] } = asked.options;
  // Only who is seen has to be looked for at the issuer: containing waits for nobody.
  const looks = asked.kind === 'revoke' || acceptedOutage.sources.length > 0;
  if (!looks && acceptedOutage.dependents.length + excluded.length === 0) return;
  const facts = await (looks ? imagineLive : imagine)(parts, name, asked);
  const problems = [...unknownNames(facts, acceptedOutage), ...unknownExcluded(facts)];
  if (problems.length > 0) throw namesNobody(problems);
  if (asked.kind === 'revoke') refuseToBreak(facts, name);
}

async function refuseWithoutScope(
  parts: ApiParts,
  name: SecretName,
  asked: ImaginedRequest,
): Promise<void> {
  const { leakedBefore } = asked.options;
  if (leakedBefore === undefined) return;
  const { ends } = planRun(await imagine(parts, name, asked));
  if (ends.length > 0) return;
  throw nothingMintedBefore(`${name.organization}/${name.secret}`, leakedBefore);
}

function unknownExcluded({ run, dependencies }: Facts): Problem[] {
  const known = new Set(dependencies.map(({ dependent }) => dependent));
  return (run.options.excluded ?? [])
    .filter((dependent) => !known.has(dependent))
    .map((dependent) => ({
      path: 'exclude',
      message: `${dependent} does not depend on this secret`,
    }));
}

const breaking: ReadonlySet<Blocker['code']> = new Set(['breaks-dependents', 'undeclared-use']);

function refuseToBreak(facts: Facts, { organization, secret }: SecretName): void {
  const found = previewOf(facts, planRun(facts)).blockers.filter(({ code }) => breaking.has(code));
  if (found.length === 0) return;
  const message = `a revoke now breaks somebody: ${found.map((one) => one.message).join('; ')}`;
  throw new RotorError('breaks-dependents', message, {
    kind: 'conflict',
    hint: `rotor rotate ${organization}/${secret} moves them first; or say who may break: --accept-outage, --accept-source`,
    problems: found.flatMap(({ code, names = [] }) =>
      names.map((who) => ({ path: code, message: who })),
    ),
  });
}
