/** Findings and compromises become events here, whoever wrote them: their rows are the outbox. */
import type pg from 'pg';
import type { RunKind, RunOutcome } from '../../domain/run.js';
import { endedEvent, type EventDraft, type RouteRule } from '../../domain/event.js';
import { severities, type Severity } from '../../domain/finding.js';
import type { Labels } from '../../domain/labels.js';
import { inTransaction, type Queryable } from '../postgres.js';
import { writeEvents } from './events.js';
import { dueTasks } from './task-news.js';

/** Where no route was configured for longer, nobody is told of it afterwards. */
const oldestNews = "interval '1 day'";
const mostAtOnce = 200;

/** Several workers share: what one has locked, the others pass over. */
export async function tellNews(pool: pg.Pool, routes: readonly RouteRule[]): Promise<void> {
  await inTransaction(pool, async (db) => {
    const news = await Promise.all([
      newFindings(db),
      newCompromises(db),
      newEnds(db),
      dueTasks(db),
    ]);
    await writeEvents(db, routes, news.flat());
  });
}

interface Subject {
  readonly secret_id: string | null;
  readonly organization: string | null;
  readonly name: string | null;
  readonly owner: string | null;
  readonly labels: Labels | null;
}

interface NewFinding extends Subject {
  readonly id: string;
  readonly code: string;
  readonly about: string;
  readonly message: string;
  readonly severity: string | null;
  readonly is_news: boolean;
}

const aSecret = 's.id as secret_id, o.name as organization, s.name, s.owner, s.labels';
const ofSecret = `left join rotor.secrets s on s.id = due.secret_id
  left join rotor.organizations o on o.id = s.organization_id`;

/** Read as JSON: a finding without a severity of its own is a warning. */
const takeFindings = `
with due as (
  select id, secret_id from rotor.findings f
  where told_at is null and closed_at is null and not rotor.is_muted(f)
  order by first_at limit ${mostAtOnce} for update skip locked)
update rotor.findings f set told_at = clock_timestamp()
from due ${ofSecret} where f.id = due.id
returning f.id, f.code, f.about, f.message, to_jsonb(f)->>'severity' as severity,
  f.last_at > clock_timestamp() - ${oldestNews} as is_news, ${aSecret}`;

/** What a route could not deliver: told by the others. */
export const notificationFailed = 'notification-failed';

/** Their people are told by the tasks themselves. */
const toldElsewhere: ReadonlySet<string> = new Set(['task-overdue']);

const overdue: ReadonlySet<string> = new Set(['rotation-overdue', 'overdue']);

async function newFindings(db: Queryable): Promise<EventDraft[]> {
  const { rows } = await db.query<NewFinding>(takeFindings);
  return rows
    .filter(({ is_news, code }) => is_news && !toldElsewhere.has(code))
    .map((row) => ({
      kind: overdue.has(row.code) ? 'overdue' : 'finding',
      severity: severityOf(row.severity),
      code: row.code,
      message: row.message,
      runId: undefined,
      sameness: `finding ${row.id} ${String(row.severity)}`,
      subject: subjectOf(row),
      failedRoute: row.code === notificationFailed ? row.about : undefined,
    }));
}

function severityOf(said: string | null): Severity {
  return severities.find((one) => one === said) ?? 'warning';
}

interface NewCompromise extends Subject {
  readonly id: string;
  readonly requested_by: string;
  readonly reason: string;
  readonly is_news: boolean;
}

/** Runs that nobody was told of, the oldest first; `told` is how a row says that they were. */
const takeRuns = (which: string, { at, told, ask }: TakenRuns): string => `
with due as (
  select id, secret_id from rotor.runs where ${which}
  order by ${at} limit ${mostAtOnce} for update skip locked)
update rotor.runs r set ${told}
from due ${ofSecret} where r.id = due.id
returning ${ask}, r.${at} > clock_timestamp() - ${oldestNews} as is_news, ${aSecret}`;

interface TakenRuns {
  /** Of which moment it is news. */
  readonly at: 'requested_at' | 'ended_at';
  readonly told: string;
  readonly ask: string;
}

const takeCompromises = takeRuns(`told_at is null and kind = 'compromise'`, {
  at: 'requested_at',
  told: 'told_at = clock_timestamp()',
  ask: 'r.id, r.requested_by, r.reason',
});

async function newCompromises(db: Queryable): Promise<EventDraft[]> {
  const { rows } = await db.query<NewCompromise>(takeCompromises);
  return rows
    .filter(({ is_news }) => is_news)
    .map((row) => ({
      kind: 'compromise',
      severity: 'critical',
      code: 'compromise',
      message: `a compromise was declared by ${row.requested_by}: ${row.reason}`,
      runId: row.id,
      sameness: `compromise ${row.id}`,
      subject: subjectOf(row),
    }));
}

interface NewEnd extends Subject {
  readonly runId: string;
  readonly kind: RunKind;
  readonly outcome: RunOutcome;
  readonly is_news: boolean;
}

/** Ended by their rows alone: taken over, set back, or given up before they began. */
const takeEnds = takeRuns('end_untold', {
  at: 'ended_at',
  told: 'end_untold = false',
  ask: 'r.id as "runId", r.kind, r.outcome',
});

async function newEnds(db: Queryable): Promise<EventDraft[]> {
  const { rows } = await db.query<NewEnd>(takeEnds);
  return rows.filter(({ is_news }) => is_news).map((row) => endedEvent(row, subjectOf(row)));
}

function subjectOf({
  secret_id,
  organization,
  name,
  owner,
  labels,
}: Subject): EventDraft['subject'] {
  if (secret_id === null || organization === null || name === null) return undefined;
  return { secretId: secret_id, organization, name, owner: owner ?? '', labels: labels ?? {} };
}
