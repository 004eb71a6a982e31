/** Before a mint that would kill the oldest credential: use is read live, and a grant for it is earned. */
import { AdapterError } from '../domain/errors.js';
import type { Facts } from '../domain/facts.js';
import type { Credential } from '../domain/issuer.js';
import type { Answer } from '../domain/run.js';
import { issuedSecret } from '../domain/steps/create.js';
import { decideDisplacement, roomFor } from '../domain/steps/room.js';
import type { Ports } from './ports.js';
import { readLive } from './use.js';

/** Versions that the mint kills, each with a grant that was called for it; or why nothing may be minted. */
export interface RoomMade {
  readonly displaces: readonly string[];
}

/** Undefined where room is no question, or the issuer does not answer: a plan is shown all the same. */
export async function listedForPlan(
  ports: Pick<Ports, 'issuer'>,
  facts: Facts,
): Promise<readonly Credential[] | undefined> {
  const issuer = ports.issuer(facts.secret.issuer);
  const { overlap, lists } = issuer.traits;
  if (!lists || overlap.kind === 'many' || overlap.kind === 'none') return undefined;
  try {
    return await issuer.list(issuedSecret(facts));
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    return undefined;
  }
}

export async function makeRoom(
  ports: Ports,
  facts: Facts,
  listed: readonly Credential[],
): Promise<RoomMade | Answer> {
  const room = roomFor(facts, listed);
  if (room.kind === 'free') return { displaces: [] };
  if (room.kind === 'full') return room.answer;
  const { versionId } = room;
  const live = await readLive(ports, facts, versionId);
  const ids = { grantId: ports.newId(), effectId: ports.newId(), mark: ports.newId() };
  const order = await ports.registry.decide(facts.run.runId, (now) =>
    decideDisplacement(now, { versionId, live, ids }),
  );
  return order.kind === 'answer' ? order.answer : { displaces: [versionId] };
}
