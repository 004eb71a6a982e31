/** Keeps a campaign at work: one long look, so that a history says little about a lot. */
import { Context } from '@temporalio/activity';
import { isOver, type CampaignProgress } from '../domain/campaign.js';
import type { Ports } from './ports.js';

export interface OfCampaign {
  readonly campaignId: string;
  readonly forMs: number;
}

const lookEveryMs = 300;

/** Where it stands when it is over, or when the time is. */
export async function advanceCampaign(
  { campaigns, reached }: Ports,
  { campaignId, forMs }: OfCampaign,
): Promise<CampaignProgress> {
  const stop = Date.now() + forMs;
  for (;;) {
    const progress = await campaigns.advance(campaignId);
    reached('campaign:advanced');
    if (isOver(progress) || Date.now() > stop) return progress;
    await Context.current().sleep(lookEveryMs);
  }
}
