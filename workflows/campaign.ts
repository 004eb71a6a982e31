/** A campaign from its start to its end; its facts are in the database, and a fresh history loses nothing. */
import { continueAsNew, proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { CampaignLook } from '../activities/campaign.js';
import type { Activities } from '../activities/index.js';

const roundMs = 60_000;
const rounds = 200;

const { advanceCampaign } = proxyActivities<Activities>({
  startToCloseTimeout: roundMs + 60_000,
  heartbeatTimeout: '3 seconds',
  retry: {
    initialInterval: '200 milliseconds',
    backoffCoefficient: 2,
    maximumInterval: '5 seconds',
  },
});

export async function campaign(campaignId: string): Promise<string> {
  let last: CampaignLook | undefined;
  for (let round = 0; round < rounds; round += 1) {
    last = await advanceCampaign({ campaignId, forMs: roundMs, last });
    const { waiting, containing, replacing, ended } = last;
    setCurrentDetails(
      `${ended} done · ${replacing} contained, being replaced · ${containing} being contained · ${waiting} waiting`,
    );
    if (waiting + containing + replacing === 0) return `${ended} secrets`;
  }
  return continueAsNew<typeof campaign>(campaignId);
}
