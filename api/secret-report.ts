/** The report of a secret: its whole life, from its declaration to its end. */
import type { SecretLife } from '../infra/registry/secret-life.js';
import type { Row } from '../infra/registry/views.js';
import { shortId } from '../domain/told-id.js';
import { cell, section, time } from './markdown.js';
import { answeredFor, withNames } from './report.js';

export interface SecretReport extends SecretLife {
  readonly markdown: string;
  readonly versions: readonly Row[];
  /** Everything with a moment, in one order: what, about whom, by whom. */
  readonly timeline: readonly Row[];
}

export function secretReportOf(life: SecretLife, versions: readonly Row[]): SecretReport {
  const grants = life.grants.map(answeredFor);
  const decisions = life.decisions.map(withNames);
  const told = { ...life, grants, decisions };
  return {
    ...told,
    versions,
    markdown: markdownOf(told, versions),
    timeline: timelineOf(told, versions),
  };
}

function markdownOf(life: SecretLife, versions: readonly Row[]): string {
  return [...headOf(life.secret), ...tablesOf(life, versions)].join('\n');
}

function headOf(secret: Row): string[] {
  const namesakes = Number(secret['namesakes']);
  return [
    `# ${String(secret['secret'])}`,
    '',
    `- owner: ${cell(secret['owner'])}`,
    `- issuer ${cell(secret['issuer'])}, policy ${cell(secret['policy'])}`,
    `- declared: ${time(secret['declared'])}`,
    `- retired: ${time(secret['retired'])}`,
    ...(secret['documentation'] === null ? [] : [`- ${cell(secret['documentation'])}`]),
    ...(namesakes > 0 ? [`- other secrets that had this name: ${namesakes}`] : []),
    '',
  ];
}

const columns = {
  Versions: ['version', 'state', 'origin', 'activated', 'expires', 'revoked', 'cause'],
  Runs: ['run', 'kind', 'outcome', 'requested', 'ended', 'by', 'reason'],
  Grants: ['version', 'basis', 'granted', 'called', 'by', 'why'],
  Approvals: ['at', 'run', 'person', 'plan', 'reason'],
  Reviewed: ['at', 'run', 'person', 'reason'],
  Decisions: ['at', 'run', 'kind', 'about', 'by', 'reason'],
  Dependents: ['dependent', 'owner', 'destination', 'declared', 'retired'],
  Findings: ['code', 'severity', 'message', 'first', 'last', 'closed'],
} as const;

function tablesOf(life: SecretLife, versions: readonly Row[]): string[] {
  const rows: Readonly<Record<keyof typeof columns, readonly Row[]>> = {
    Versions: versions,
    Runs: life.runs.map(withShortRun),
    Grants: life.grants,
    Approvals: life.approvals.map(withShortRun),
    Reviewed: life.reviews.map(withShortRun),
    Decisions: life.decisions.map(withShortRun),
    Dependents: life.dependents,
    Findings: life.findings,
  };
  return Object.entries(rows).flatMap(([title, of]) =>
    section(title, columns[title as keyof typeof columns], of),
  );
}

function withShortRun(row: Row): Row {
  return { ...row, run: shortId(row['run']) };
}

function timelineOf(life: SecretLife, versions: readonly Row[]): Row[] {
  const { secret } = life;
  const event = (at: unknown, what: string, more: Row = {}): Row => ({ at, what, ...more });
  const events = [
    event(secret['declared'], 'declared', { about: secret['secret'] }),
    event(secret['retired'], 'retired', { about: secret['secret'] }),
    ...versions.flatMap(({ version, activated, revoked, cause, expires }) => [
      event(activated, 'version active', { about: version }),
      event(revoked, 'version revoked', { about: version }),
      ...(cause === 'expired' ? [event(expires, 'version expired', { about: version })] : []),
    ]),
    ...life.runs.flatMap(({ kind, run, requested, ended, by, reason, outcome }) => [
      event(requested, `${String(kind)} requested`, { run, by, detail: reason }),
      event(ended, `${String(kind)} ended`, { run, detail: outcome }),
    ]),
    ...life.grants.map(({ version, run, basis, granted, by, why }) =>
      event(granted, `granted: ${String(basis)}`, { about: version, run, by, detail: why }),
    ),
    ...life.approvals.map(({ at, run, person, reason }) =>
      event(at, 'approved', { run, by: person, detail: reason }),
    ),
    ...life.reviews.map(({ at, run, person, reason }) =>
      event(at, 'reviewed', { run, by: person, detail: reason }),
    ),
    ...life.decisions.map(({ at, run, kind, about, by, reason }) =>
      event(at, `decided: ${String(kind)}`, { about, run, by, detail: reason }),
    ),
    ...life.dependents.flatMap(({ dependent, declared, retired, destination }) => [
      event(declared, 'dependent declared', { about: dependent, detail: destination }),
      event(retired, 'dependent retired', { about: dependent, detail: destination }),
    ]),
    ...life.findings.flatMap(({ code, message, first, closed }) => [
      event(first, `found: ${String(code)}`, { detail: message }),
      event(closed, `closed: ${String(code)}`, { detail: message }),
    ]),
  ];
  return events
    .filter(({ at }) => at instanceof Date)
    .sort((one, other) => Number(one['at']) - Number(other['at']));
}
