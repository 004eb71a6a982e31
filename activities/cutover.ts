/** Replaces a value in place: sealed first, then one call that is mint and revoke together. */
import { AdapterError } from '../domain/errors.js';
import type { Credential } from '../domain/issuer.js';
import type { Answer } from '../domain/run.js';
import {
  decideCutover,
  decidePrepare,
  finishCutover,
  type CutoverOrder,
} from '../domain/steps/cutover.js';
import { blockedBy } from './failures.js';
import type { OfRun, Ports } from './ports.js';
import { useQuestion } from '../domain/steps/use-question.js';
import { readUse } from './use.js';
import { sealOwnValue } from './values.js';

export async function prepare(ports: Ports, { runId }: OfRun): Promise<Answer> {
  const { versionId, ...answer } = await ports.registry.decide(runId, (facts) =>
    decidePrepare(facts, ports.newId()),
  );
  if (versionId !== undefined) await sealOwnValue(ports, versionId);
  ports.reached('prepare:sealed');
  return answer;
}

export async function cutover(ports: Ports, { runId }: OfRun): Promise<Answer> {
  const ids = {
    versionId: ports.newId(),
    effectId: ports.newId(),
    mark: ports.newId(),
    newGrantId: () => ports.newId(),
  };
  const before = await ports.registry.read(runId);
  if (before.run.kind !== 'compromise') await readUse(ports, useQuestion(before));
  const order = await ports.registry.decide(runId, (facts) => decideCutover(facts, ids));
  if (order.kind === 'answer') return order.answer;
  await sealOwnValue(ports, order.versionId);
  const facts = await ports.registry.read(runId);
  try {
    const credentialId = await replace(ports, facts.secret.issuer, order);
    return await ports.registry.decide(runId, (now) => finishCutover(now, { order, credentialId }));
  } catch (error) {
    return blockedBy(error, 'issuer-failed', facts.secret.issuer);
  }
}

/** Read back first: the value is ours, so a listed credential with our tag is the one that holds it. */
async function replace(ports: Ports, issuerName: string, order: CutoverOrder): Promise<string> {
  const issuer = ports.issuer(issuerName);
  const { secret, versionId, tag, mark } = order;
  const value = await ports.store.get(versionId);
  if (value === undefined) throw new AdapterError('value-lost', 'the sealed value is gone');
  const listed = issuer.traits.lists ? await issuer.list(secret) : [];
  const there = listed.find((credential) => isOrdered(credential, versionId));
  ports.reached('cutover:call');
  const { credentialId } =
    there ?? (await issuer.mint({ secret, versionId, tag, value, expiresAt: undefined }));
  ports.reached('cutover:called');
  await issuer.verify({ secret, versionId, credentialId, tag }, value, mark);
  return credentialId;
}

function isOrdered({ tag }: Credential, versionId: string): boolean {
  return tag.kind === 'ours' && tag.versionId === versionId;
}
