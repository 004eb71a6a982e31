/** Keeps a campaign at work: one long look, so that a history says little about a lot. */
import { Context } from '@temporalio/activity';
import { isOver, type CampaignProgress } from '../domain/campaign.js';
import type { Ports } from './ports.js';

export interface OfCampaign {
  readonly campaignId: string;
  readonly forMs: number;
}

const lookEveryMs = 300;
/** The whole scope, thousands of secrets, is looked through less often. */
const widenEveryMs = 10_000;

/** Where it stands when it is over, or when the time is. */
export async function advanceCampaign(
  { campaigns, reached }: Ports,
  { campaignId, forMs }: OfCampaign,
): Promise<CampaignProgress> {
  const stop = Date.now() + forMs;
  let widened = 0;
  let over = false;
  for (;;) {
    // It is over only where everything that is in scope by now is.
    const widens = over || Date.now() - widened >= widenEveryMs;
    if (widens) widened = Date.now();
    const progress = await campaigns.advance(campaignId, { widens });
    reached('campaign:advanced');
    over = isOver(progress);
    if ((over && widens) || Date.now() > stop) return progress;
    await Context.current().sleep(lookEveryMs);
  }
}
