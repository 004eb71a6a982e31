/** The report of a campaign: what was ended, when, and what is left to do. */
import type { Row } from '../infra/registry/views.js';
import { section, time } from './markdown.js';

export interface CampaignView {
  readonly campaign: Row;
  readonly secrets: readonly Row[];
}

export function campaignReport(view: CampaignView): CampaignView & { readonly markdown: string } {
  return { ...view, markdown: markdownOf(view) };
}

function markdownOf({ campaign, secrets }: CampaignView): string {
  const isIncident = campaign['kind'] === 'incident';
  const ended = secrets.filter(({ lives }) => lives === false).length;
  return [
    `# ${String(campaign['kind'])}: ${String(campaign['about'])}`,
    '',
    `- started by ${String(campaign['by'])} at ${time(campaign['started'])}: ${String(campaign['reason'])}`,
    ...(isIncident ? leak(campaign) : []),
    `- ${isIncident ? 'contained' : 'settled'}: ${ended} of ${secrets.length}`,
    `- ended: ${time(campaign['ended'])}`,
    '',
    ...section(
      isIncident ? 'Secrets, the most dangerous first' : 'Secrets',
      ['secret', 'versions', isIncident ? 'contained' : 'revoked', 'run', 'outcome', 'waits'],
      secrets.map((row) => ({
        ...row,
        versions: (row['versions'] as string[]).join(', '),
        revoked: row['contained'],
        waits: row['failure'] ?? row['waitsCode'],
      })),
    ),
  ].join('\n');
}

function leak(campaign: Row): string[] {
  const quarantined = campaign['quarantine'] === true;
  return [
    `- leaked before: ${time(campaign['leakedBefore'])}`,
    `- quarantine: ${quarantined ? 'given no new value until it is released' : 'none'}`,
  ];
}
