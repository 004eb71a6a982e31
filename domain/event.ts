/** What people are told of: events, how grave they are, and which route takes which of them. */
import type { Change } from './change.js';
import { carries, type Labels } from './labels.js';
import type { Facts } from './facts.js';
import { severities, type Severity } from './finding.js';
import type { RunKind, RunOutcome } from './run.js';
import { isNewlyHeld, retrying, waitAfter } from './wait.js';

export const eventKinds = [
  'blocked',
  'waiting',
  'finding',
  'run-started',
  'run-finished',
  'overdue',
  'compromise',
  'task',
] as const;
/** `test`: somebody wants to know whether a route works. */
export type EventKind = (typeof eventKinds)[number] | 'test';

export interface EventSubject {
  readonly secretId: string;
  readonly organization: string;
  readonly name: string;
  readonly owner: string;
  readonly labels: Labels;
}

/** Something to tell. Holds no value. */
export interface EventDraft {
  readonly kind: EventKind;
  readonly severity: Severity;
  /** A blocker's, a finding's, or what became of a run. */
  readonly code: string;
  readonly message: string;
  readonly runId: string | undefined;
  /** The same again within a while is the same event, counted. */
  readonly sameness: string;
  /** Undefined where it is about no secret. */
  readonly subject: EventSubject | undefined;
  /** It says that this route does not work. */
  readonly failedRoute?: string | undefined;
}

export interface RouteRule {
  readonly name: string;
  /** Undefined: whichever. */
  readonly events: readonly EventKind[] | undefined;
  readonly owners: readonly string[] | undefined;
  readonly organizations: readonly string[] | undefined;
  /** Of secrets that carry all of these; undefined: whichever. */
  readonly labels: Labels | undefined;
  /** At least. */
  readonly severity: Severity;
  /** What is not critical waits this long for others, and is sent with them. */
  readonly digestMs: number | undefined;
}

/** Whoever cannot be reached is not told so by the same way. */
export function takes(route: RouteRule, draft: EventDraft): boolean {
  const { kind, severity, subject, failedRoute } = draft;
  return (
    failedRoute !== route.name &&
    severities.indexOf(severity) >= severities.indexOf(route.severity) &&
    isAmong(kind, route.events) &&
    isAmong(subject?.owner, route.owners) &&
    isAmong(subject?.organization, route.organizations) &&
    isLabelled(subject, route)
  );
}

function isLabelled(subject: EventSubject | undefined, { labels }: RouteRule): boolean {
  return labels === undefined || (subject !== undefined && carries(subject.labels, labels));
}

function isAmong(one: string | undefined, wanted: readonly string[] | undefined): boolean {
  return wanted === undefined || (one !== undefined && wanted.includes(one));
}

/** How long an event waits for others of its route. */
export function waitMs({ digestMs }: RouteRule, { severity }: EventDraft): number | undefined {
  return severity === 'critical' ? undefined : digestMs;
}

/** A person's word is missing, and nothing else. */
const asking: ReadonlySet<string> = new Set(['approval-needed', 'use-not-seen', 'paused']);

/** What a run's own changes tell. */
export function runEvents(facts: Facts, changes: readonly Change[]): EventDraft[] {
  return changes.flatMap((change) => runEvent(facts, change) ?? []);
}

function runEvent(facts: Facts, change: Change): EventDraft | undefined {
  if (change.change === 'plan-stored') return change.revision === 1 ? started(facts) : undefined;
  if (change.change === 'run-ended') return finished(facts, change.outcome);
  if (change.change !== 'run-waits' || change.code === retrying) return undefined;
  // What passes as it was said is told to nobody; what was put off is.
  const isTold =
    change.until === undefined || isNewlyHeld(facts.run.wait, waitAfter(facts, change));
  return isTold ? stuck(facts, change) : undefined;
}

function started({ run, secret }: Facts): EventDraft {
  const { runId, kind, requestedBy, reason } = run;
  return {
    kind: 'run-started',
    severity: severityOf(kind),
    code: kind,
    message: `${kind} has begun, requested by ${requestedBy}: ${reason}`,
    runId,
    sameness: `run-started ${runId}`,
    subject: secret,
  };
}

function finished({ run, secret }: Facts, outcome: RunOutcome): EventDraft {
  return endedEvent({ ...run, outcome }, secret);
}

interface EndedRun {
  readonly runId: string;
  readonly kind: RunKind;
  readonly outcome: RunOutcome;
}

export function endedEvent(
  { runId, kind, outcome }: EndedRun,
  subject: EventDraft['subject'],
): EventDraft {
  return {
    kind: 'run-finished',
    severity: outcome === 'succeeded' ? severityOf(kind) : 'warning',
    code: outcome,
    message: `${kind} has ended: ${outcome}`,
    runId,
    sameness: `run-finished ${runId}`,
    subject,
  };
}

function stuck({ run, secret }: Facts, { code, told }: { code: string; told: string }): EventDraft {
  const { runId } = run;
  const kind = asking.has(code) ? 'waiting' : 'blocked';
  return {
    kind,
    severity: run.kind === 'compromise' ? 'critical' : 'warning',
    code,
    message: told,
    runId,
    sameness: `${kind} ${runId} ${code}`,
    subject: secret,
  };
}

function severityOf(kind: RunKind): Severity {
  return kind === 'rotate' ? 'info' : 'warning';
}
