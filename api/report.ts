/** The report of a run: what was done, by whom, when, on which evidence, and what outlived the revoke. */
import { describeSource } from '../domain/attribution.js';
import type { MayBreak } from '../domain/facts.js';
import type { Row } from '../infra/registry/views.js';
import { cell, section, time } from './markdown.js';
import { endedBy, reviewsOf, rowsIn, type RunView } from './run-view.js';

export interface Report {
  readonly markdown: string;
  readonly run: Row;
  readonly ended: readonly Row[];
  readonly evidence: readonly Row[];
  /** Who signed it off afterwards, where nobody approved it. */
  readonly reviews: readonly Row[];
  readonly decisions: readonly Row[];
  readonly grants: readonly Row[];
  /** Seen while the run was open, and not closed since. */
  readonly findings: readonly Row[];
}

export function reportOf(view: RunView): Report {
  const ended = endedBy(view);
  const { run, decisions, grants, findings } = view;
  const evidence = evidenceOf(view);
  const told = { run, ended, evidence, reviews: reviewsOf(view), decisions, grants, findings };
  return { markdown: markdownOf(view, ended), ...told };
}

/** One line per dependent and version that it got: the level of its evidence, and since when it holds. */
function evidenceOf({ dependencies }: RunView): Row[] {
  return dependencies.flatMap(({ dependent, destination, deliveries }) =>
    rowsIn(deliveries).map((delivery) => ({
      dependent,
      destination,
      ...delivery,
      moved: delivery['moved'] === null ? null : new Date(String(delivery['moved'])),
    })),
  );
}

function byHand(task: Row): Row {
  return { ...task, shown: task['fetched'], by: task['settledBy'] };
}

function markdownOf(view: RunView, ended: readonly Row[]): string {
  const { run, decisions, grants, findings } = view;
  return [
    `# ${String(run['kind'])} ${String(run['secret'])}`,
    '',
    `- run: \`${String(run['run'])}\``,
    `- outcome: ${String(run['outcome'] ?? run['state'])}${takenOver(run)}`,
    `- requested by ${String(run['requestedBy'])} at ${time(run['requested'])}: ${cell(run['reason'])}`,
    `- ended: ${time(run['ended'])}`,
    ...excluded(run),
    `- plan: revision ${String(run['revision'])}, \`${String(run['hash'] ?? '-')}\``,
    '',
    ...section('Dependents', ['dependent', 'version', 'evidence', 'moved'], evidenceOf(view)),
    ...section(
      'By hand',
      ['dependent', 'version', 'assignee', 'state', 'shown', 'settled', 'by', 'note'],
      view.tasks.map(byHand),
    ),
    ...section('Ended', ['version', 'state', 'revoked', 'outlived', 'cause'], ended),
    ...section(
      'Grants',
      ['version', 'basis', 'granted', 'called', 'by', 'why'],
      grants.map(answeredFor),
    ),
    ...section('Approvals', ['at', 'person', 'plan', 'reason'], view.approvals),
    ...section('Reviewed', ['at', 'person', 'reason'], reviewsOf(view)),
    ...section('Decisions', ['at', 'kind', 'about', 'by', 'reason'], decisions.map(withNames)),
    ...section('Findings', ['code', 'message', 'first', 'last', 'count'], findings),
  ].join('\n');
}

/** Whom the request named as leaked: they are not among those who moved. */
function excluded({ options }: Row): string[] {
  const { excluded: names } = (options ?? {}) as { readonly excluded?: readonly string[] };
  return names === undefined
    ? []
    : [`- named as leaked, and given nothing new: ${names.join(', ')}`];
}

function takenOver({ supersededBy }: Row): string {
  return supersededBy === null
    ? ''
    : ` by run \`${String(supersededBy)}\`, which took the secret over`;
}

/** Who answers for a grant, and why: whoever accepted what breaks, or else whoever asked for the run. */
export function answeredFor(grant: Row): Row {
  const because = (grant['because'] ?? {}) as Row;
  const accepters = accepterRows(String(grant['basis']), because);
  if (accepters.length === 0)
    return { ...grant, by: because['requestedBy'], why: because['reason'] };
  const each = (field: string): string =>
    [...new Set(accepters.map((one) => String(one[field])))].join('; ');
  return { ...grant, by: each('by'), why: each('reason') };
}

function accepterRows(basis: string, because: Row): Row[] {
  if (basis === 'accepted-outage') return rowsIn(because['acceptedOutages']);
  const unseen = because['acceptedUnseenUse'];
  return basis === 'unseen-use-accepted' && unseen !== undefined ? [unseen as Row] : [];
}

/** Whom a decision is about: a dependent, or everybody who may break by it. */
export function withNames(decision: Row): Row {
  const accepted = decision['accepted'] as MayBreak | null;
  if (accepted === null) return { ...decision, about: decision['dependent'] };
  const names = [...accepted.dependents, ...accepted.sources.map(describeSource)];
  return { ...decision, about: names.join('; ') };
}
