/** Reads the issuer's record live and asks the gate: could the old version be revoked? */
import type { Answer } from '../domain/run.js';
import type { LiveReading } from '../domain/gate.js';
import { decideVerify, versionsToEnd } from '../domain/steps/verify.js';
import type { OfRun, Ports } from './ports.js';
import { useQuestion } from '../domain/steps/use-question.js';
import { readOpenUse } from './open-use.js';
import { credentialRef, readUse } from './use.js';

export async function verify(ports: Ports, { runId }: OfRun): Promise<Answer> {
  const facts = await ports.registry.read(runId);
  await readUse(ports, useQuestion(facts));
  const issuer = ports.issuer(facts.secret.issuer);
  const live: Record<string, LiveReading> = {};
  for (const versionId of versionsToEnd(facts)) {
    const ref = credentialRef(facts, versionId);
    if (ref !== undefined) live[versionId] = await readOpenUse({ issuer, facts, ref });
  }
  ports.reached('verify:read');
  return ports.registry.decide(runId, (now) => decideVerify(now, live));
}
