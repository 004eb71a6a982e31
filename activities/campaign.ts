/** Keeps a campaign at work: one long look, so that a history says little about a lot. */
import { Context } from '@temporalio/activity';
import { isOver, nextLookMs, type CampaignProgress } from '../domain/campaign.js';
import type { Ports } from './ports.js';

export interface OfCampaign {
  readonly campaignId: string;
  readonly forMs: number;
  /** What the look before this one ended with. */
  readonly last?: CampaignLook | undefined;
}

export interface CampaignLook extends CampaignProgress {
  /** How long nobody need look again. */
  readonly waitMs: number;
}

/** The whole scope, thousands of secrets, is looked through less often. */
const widenEveryMs = 10_000;

/** Where it stands when it is over, or when the time is. */
export async function advanceCampaign(
  { campaigns, reached }: Ports,
  { campaignId, forMs, last }: OfCampaign,
): Promise<CampaignLook> {
  const stop = Date.now() + forMs;
  let widened = 0;
  let look = last;
  for (;;) {
    // It is over only where everything that is in scope by now is.
    const isDone = look !== undefined && isOver(look);
    const widens = isDone || Date.now() - widened >= widenEveryMs;
    if (widens) widened = Date.now();
    const progress = await campaigns.advance(campaignId, { widens });
    reached('campaign:advanced');
    look = { ...progress, waitMs: nextLookMs(look, progress) };
    if ((isOver(progress) && widens) || Date.now() > stop) return look;
    await Context.current().sleep(look.waitMs);
  }
}
