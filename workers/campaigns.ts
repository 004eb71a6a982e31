/** Carries a campaign on: asks for runs through the one door, and starts them. */
import { startRun, type Temporal } from '../client/workflows.js';
import { isOver, type Campaigns } from '../domain/campaign.js';
import { RotorError } from '../domain/errors.js';
import { shortId } from '../domain/told-id.js';
import {
  endCampaign,
  nextOfCampaign,
  noteAsked,
  progressOf,
  type ToAsk,
} from '../infra/registry/campaigns.js';
import type { TrailParts } from '../infra/registry/installation-trail.js';
import { claimedRun, submit, type RunRequest } from '../infra/registry/requests.js';

export interface CampaignParts extends TrailParts {
  readonly temporal: Temporal;
  readonly identity: string;
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
    const runId = await askForRun(parts, campaignId, one);
    await noteAsked(parts.pool, campaignId, { secretId, runId });
  } catch (error) {
    const failure = error instanceof RotorError ? error.message : 'it could not be asked for';
    await noteAsked(parts.pool, campaignId, { secretId, failure });
  }
}

/** The same key finds the same run, should an answer be lost. */
async function askForRun(
  { pool, audit, temporal, identity }: CampaignParts,
  campaignId: string,
  one: ToAsk,
): Promise<string> {
  const { secretId, organization, secret, before, by, person, reason } = one;
  const request = {
    organization,
    secret,
    ...workOf(one),
    requestedBy: by,
    requestedPerson: person,
    reason: `${one.kind} ${shortId(campaignId)}: ${reason}`,
    // No token's name holds a slash: nobody else's key is this one.
    idempotencyKey: `${one.kind}/${campaignId}/${secretId}/${before ?? 'first'}`,
  } as const;
  const { runId } = await submit({ pool, audit }, request, identity);
  const run = await claimedRun(pool, runId, identity);
  if (run !== undefined) await startRun(temporal, run);
  return runId;
}

/** Whether somebody still uses what a project leaves behind is proven secret by secret. */
function workOf({ kind, versionIds }: ToAsk): Pick<RunRequest, 'kind' | 'options'> {
  return kind === 'incident'
    ? { kind: 'compromise', options: { versionIds } }
    : { kind: 'decommission', options: { noDependentsKnown: true } };
}
