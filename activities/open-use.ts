/** What a credential opened and what goes on by itself: read for the gate, and ended with the credential. */
import { formatDuration } from '../domain/duration.js';
import { AdapterError } from '../domain/errors.js';
import type { Facts } from '../domain/facts.js';
import type { LiveReading } from '../domain/gate.js';
import { countsIfOpenedBefore, openedBefore } from '../domain/issuer-ways.js';
import type { CredentialRef, Issuer, OpenUse } from '../domain/issuer.js';

export interface Opener {
  readonly issuer: Issuer;
  readonly facts: Facts;
  readonly ref: CredentialRef;
}

export async function readOpenUse({ issuer, facts, ref }: Opener): Promise<LiveReading> {
  if (issuer.openUse === undefined || issuer.traits.outlives === 'nothing') {
    return { openUse: undefined };
  }
  const open = await issuer.openUse(ref);
  return { openUse: openedBefore(open, countsIfOpenedBefore(facts, ref.versionId)) };
}

/** What became of it, in words for the report. A compromise ends all that may be the credential's. */
export async function endOpenUse(
  { issuer, facts, ref }: Opener,
  before: readonly OpenUse[],
): Promise<string | undefined> {
  const { outlives, outlivesMs, tellsOpenUseApart } = issuer.traits;
  if (outlives === 'nothing') return undefined;
  if (issuer.endOpenUse === undefined)
    return `${outlives} may go on for ${formatDuration(outlivesMs)}`;
  const until =
    facts.run.kind === 'compromise' ? undefined : countsIfOpenedBefore(facts, ref.versionId);
  await issuer.endOpenUse(ref, until);
  // Not told apart, whoever comes again at once comes with another credential.
  await refuseLeft({ issuer, facts, ref }, tellsOpenUseApart ? undefined : (until ?? facts.now));
  const ended = before.length === 1 ? outlives.slice(0, -1) : outlives;
  const what = before.length > 0 ? `${before.length} ${ended} ended` : `no ${outlives} left`;
  return until === undefined
    ? what
    : `${what} of before ${until.toISOString()}: later ones may be of another version`;
}

async function refuseLeft({ issuer, ref }: Opener, moment: Date | undefined): Promise<void> {
  const open = (await issuer.openUse?.(ref)) ?? [];
  if (openedBefore(open, moment).length === 0) return;
  const what = issuer.traits.outlives;
  throw new AdapterError('busy', `${what} of the revoked credential are still open`);
}
