/** Disables the old version for a while, and brings it back when somebody turns out to need it. */
import { AdapterError } from '../domain/errors.js';
import type { Facts } from '../domain/facts.js';
import { versionOf } from '../domain/progress.js';
import type { Answer } from '../domain/run.js';
import {
  broughtBack,
  decideDisable,
  finishDisable,
  type DisableOrder,
} from '../domain/steps/disable.js';
import { blockedBy } from './failures.js';
import type { OfRun, Ports } from './ports.js';
import { recordIfGone } from './revoke.js';
import { useQuestion } from '../domain/steps/use-question.js';
import { credentialRef, readUse } from './use.js';

export async function disable(ports: Ports, { runId }: OfRun): Promise<Answer> {
  const facts = await ports.registry.read(runId);
  await readUse(ports, useQuestion(facts));
  const order = await ports.registry.decide(runId, (now) => decideDisable(now, ports.newId()));
  switch (order.kind) {
    case 'answer':
      return order.answer;
    case 'bring-back':
      return bringBack(ports, await ports.registry.read(runId), order.versionId);
    case 'disable':
      return disableNow({ ports, runId, facts }, order);
  }
}

interface Place {
  readonly ports: Ports;
  readonly runId: string;
  readonly facts: Facts;
}

async function disableNow(
  { ports, runId, facts }: Place,
  order: Extract<DisableOrder, { kind: 'disable' }>,
): Promise<Answer> {
  const issuer = ports.issuer(facts.secret.issuer);
  const ref = credentialRef(facts, order.versionId);
  if (ref === undefined || issuer.disable === undefined) {
    throw new AdapterError('not-permitted', 'the issuer cannot disable this credential');
  }
  ports.reached('disable:call');
  try {
    await issuer.disable(ref, order.issuerUntil);
  } catch (error) {
    if (error instanceof AdapterError && error.code === 'not-found')
      return gone(ports, facts, order);
    return blockedBy(error, 'issuer-failed', facts.secret.issuer);
  }
  ports.reached('disable:called');
  return ports.registry.decide(runId, (now) => finishDisable(now, order));
}

/** What is gone cannot be disabled: it is recorded as gone, and the run plans again. */
async function gone(
  ports: Ports,
  { run, secret }: Facts,
  { versionId }: { readonly versionId: string },
): Promise<Answer> {
  if (await recordIfGone(ports, run.runId, versionId))
    return { kind: 'replan', told: 'the old version is gone at the issuer' };
  const told = `${secret.issuer}: the credential is listed, and cannot be found`;
  return { kind: 'blocked', code: 'issuer-failed', told };
}

/** Enabled at the issuer first, then recorded: a crash in between leaves it working. */
export async function bringBack(
  ports: Pick<Ports, 'registry' | 'issuer' | 'reached'>,
  facts: Facts,
  versionId: string,
): Promise<Answer> {
  const issuer = ports.issuer(facts.secret.issuer);
  const ref = credentialRef(facts, versionId);
  if (ref !== undefined) await issuer.enable?.(ref);
  ports.reached('disable:enabled');
  let renewed = false;
  const answer = await ports.registry.decide(facts.run.runId, (now) => {
    renewed = leaseEnd(now, versionId) > leaseEnd(facts, versionId);
    return broughtBack(now, versionId);
  });
  // A renewal came in between: its call may have been the later one.
  if (ref !== undefined && renewed) await issuer.enable?.(ref);
  return answer;
}

function leaseEnd(facts: Facts, versionId: string): number {
  return versionOf(facts, versionId)?.disabledUntil?.getTime() ?? 0;
}
