/** Carries a campaign on: asks the one door for runs, and has them started. */
import { createHash } from 'node:crypto';
import { isOver, type Campaigns } from '../../domain/campaign.js';
import { RotorError } from '../../domain/errors.js';
import type { StartableRun } from '../../domain/run.js';
import { shortId } from '../../domain/told-id.js';
import { endCampaign, nextOfCampaign, noteAsked, progressOf, type ToAsk } from './campaigns.js';
import type { TrailParts } from './installation-trail.js';
import { claimedRun, submit, type RunRequest } from './requests.js';

export interface CampaignParts extends TrailParts {
  readonly identity: string;
  readonly start: (run: StartableRun) => Promise<unknown>;
}

export function openCampaigns(parts: CampaignParts): Campaigns {
  const { pool } = parts;
  return {
    advance: async (campaignId, { widens }) => {
      const due = await nextOfCampaign(pool, campaignId, widens);
      await Promise.all(due.map((one) => ask(parts, campaignId, one)));
      const progress = await progressOf(pool, campaignId);
      if (widens && isOver(progress)) await endCampaign(parts, campaignId);
      return progress;
    },
  };
}

/** What cannot be asked for now is asked for again; the others do not wait for it. */
async function ask(parts: CampaignParts, campaignId: string, one: ToAsk): Promise<void> {
  const { secretId } = one;
  try {
    const runId = await askForRun(parts, requestOf(campaignId, one));
    await noteAsked(parts.pool, campaignId, { secretId, runId });
  } catch (error) {
    const failure = error instanceof RotorError ? error.message : 'it could not be asked for';
    await noteAsked(parts.pool, campaignId, { secretId, failure });
  }
}

async function askForRun(
  { pool, audit, identity, start }: CampaignParts,
  request: RunRequest,
): Promise<string> {
  const { runId } = await submit({ pool, audit }, request, identity);
  const run = await claimedRun(pool, runId, identity);
  if (run !== undefined) await start(run);
  return runId;
}

/** The same key finds the same run, should an answer be lost. */
export function requestOf(campaignId: string, one: ToAsk): RunRequest {
  const { kind, secretId, organization, secret, before, by, person, reason } = one;
  const work = workOf(one);
  // No token's name holds a slash: nobody else's key is this one.
  const key = [kind, campaignId, secretId, before ?? 'first', ...named(work)];
  return {
    organization,
    secret,
    ...work,
    requestedBy: by,
    requestedPerson: person,
    reason: `${kind} ${shortId(campaignId)}: ${reason}`,
    idempotencyKey: key.join('/'),
  };
}

/** Whether somebody still uses what a project leaves behind is proven secret by secret. */
function workOf({ kind, versionIds }: ToAsk): Pick<RunRequest, 'kind' | 'options'> {
  return kind === 'incident'
    ? { kind: 'compromise', options: { versionIds: [...versionIds].sort() } }
    : { kind: 'decommission', options: { noDependentsKnown: true } };
}

/** What came into scope since an answer was lost makes another request of it: for that, the old key is used up. */
function named({ options: { versionIds } }: Pick<RunRequest, 'options'>): string[] {
  if (versionIds === undefined) return [];
  return [createHash('sha256').update(versionIds.join()).digest('hex').slice(0, 16)];
}
