/** The report of a run: what was done, by whom, when, on which evidence, and what outlived the revoke. */
import type { Row } from '../infra/registry/views.js';

export interface RunView {
  readonly run: Row;
  readonly versions: readonly Row[];
  readonly dependencies: readonly Row[];
  readonly use: readonly Row[];
  readonly decisions: readonly Row[];
  readonly grants: readonly Row[];
  readonly plans: readonly Row[];
  readonly events: readonly Row[];
  readonly findings: readonly Row[];
}

export interface Report {
  readonly markdown: string;
  readonly run: Row;
  readonly ended: readonly Row[];
  readonly evidence: readonly Row[];
  readonly decisions: readonly Row[];
  readonly grants: readonly Row[];
  /** Seen since the run was asked for, and still open. */
  readonly findings: readonly Row[];
}

export function reportOf(view: RunView): Report {
  const since = new Date(String(view.run['requested']));
  const ended = view.versions.filter((v) => isSince(v['revoked'], since) || v['cause'] !== null);
  return {
    markdown: markdownOf(view, ended),
    run: view.run,
    ended,
    evidence: evidenceOf(view),
    decisions: view.decisions,
    grants: view.grants,
    findings: findingsOf(view),
  };
}

function findingsOf({ findings, run }: RunView): Row[] {
  const since = new Date(String(run['requested']));
  return findings.filter(({ last }) => isSince(last, since));
}

/** What this run did; an earlier one has a report of its own. */
function isSince(at: unknown, since: Date): boolean {
  return at !== null && at !== undefined && new Date(String(at)) >= since;
}

/** One line per dependent and version that it got: the level of its evidence, and since when it holds. */
function evidenceOf({ dependencies, run }: RunView): Row[] {
  const since = new Date(String(run['requested']));
  return dependencies.flatMap((dependency) => {
    const deliveries = (dependency['deliveries'] ?? []) as Row[];
    const own = deliveries.filter(({ moved }) => moved === null || isSince(moved, since));
    return own.map((delivery) => ({
      dependent: dependency['dependent'],
      destination: dependency['destination'],
      ...delivery,
      moved: delivery['moved'] === null ? null : new Date(String(delivery['moved'])),
    }));
  });
}

function markdownOf(view: RunView, ended: readonly Row[]): string {
  const { run, decisions, grants } = view;
  return [
    `# ${String(run['kind'])} ${String(run['secret'])}`,
    '',
    `- run: \`${String(run['run'])}\``,
    `- outcome: ${String(run['outcome'] ?? run['state'])}`,
    `- requested by ${String(run['requestedBy'])} at ${time(run['requested'])}: ${cell(run['reason'])}`,
    `- ended: ${time(run['ended'])}`,
    `- plan: revision ${String(run['revision'])}, \`${String(run['hash'] ?? '-')}\``,
    '',
    ...section('Dependents', ['dependent', 'version', 'evidence', 'moved'], evidenceOf(view)),
    ...section('Ended', ['version', 'state', 'revoked', 'outlived', 'cause'], ended),
    ...section(
      'Grants',
      ['version', 'basis', 'granted', 'called', 'by', 'why'],
      grants.map(answeredFor),
    ),
    ...section('Decisions', ['at', 'kind', 'by', 'reason'], decisions),
    ...section('Findings', ['code', 'message', 'first', 'last', 'count'], findingsOf(view)),
  ].join('\n');
}

/** Who answers for a grant, and why. */
function answeredFor(grant: Row): Row {
  const because = (grant['because'] ?? {}) as Row;
  return { ...grant, by: because['requestedBy'], why: because['reason'] };
}

function section(title: string, columns: readonly string[], rows: readonly Row[]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    `## ${title}`,
    '',
    line(columns),
    line(columns.map(() => '---')),
    ...rows.map((row) => line(columns.map((column) => cell(row[column])))),
    '',
  ];
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = value instanceof Date ? value.toISOString() : String(value);
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function time(value: unknown): string {
  return value instanceof Date ? value.toISOString() : String(value ?? 'not yet');
}
