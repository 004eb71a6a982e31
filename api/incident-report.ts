/** The report of an incident: what was contained, when, and what is left to do. */
import type { Row } from '../infra/registry/views.js';
import { section, time } from './markdown.js';

interface IncidentView {
  readonly incident: Row;
  readonly secrets: readonly Row[];
}

export function incidentReport(view: IncidentView): IncidentView & { readonly markdown: string } {
  return { ...view, markdown: markdownOf(view) };
}

function markdownOf({ incident, secrets }: IncidentView): string {
  const contained = secrets.filter(({ lives }) => lives === false).length;
  return [
    `# incident: ${String(incident['about'])}`,
    '',
    `- started by ${String(incident['by'])} at ${time(incident['started'])}: ${String(incident['reason'])}`,
    `- leaked before: ${time(incident['leakedBefore'])}`,
    `- quarantine: ${incident['quarantine'] === true ? 'given no new value until it is released' : 'none'}`,
    `- contained: ${contained} of ${secrets.length}`,
    `- ended: ${time(incident['ended'])}`,
    ...section(
      'Secrets, the most dangerous first',
      ['secret', 'versions', 'contained', 'run', 'outcome', 'waits'],
      secrets.map((row) => ({
        ...row,
        versions: (row['versions'] as string[]).join(', '),
        waits: row['failure'] ?? row['waitsCode'],
      })),
    ),
  ].join('\n');
}
