/** Approvals as facts: of the plan that was shown, by a person who did not ask for it. */
import { approvalRule, hasAskedFor, holdingApprovals } from '../../domain/approval.js';
import { RotorError } from '../../domain/errors.js';
import type { Facts } from '../../domain/facts.js';
import { shortId } from '../../domain/told-id.js';
import { inTransaction } from '../postgres.js';
import type { Principal } from './access-tokens.js';
import { closeFindings } from './findings.js';
import { lockRun, refused, type SayingParts } from './locked-run.js';

export interface ApprovalCall {
  readonly runId: string;
  /** The hash of the plan that was shown, or its beginning. */
  readonly plan: string;
  readonly by: Principal;
  readonly reason: string;
}

export interface Approved {
  readonly secretId: string;
  readonly hash: string;
  /** So many people's approvals hold for the plan now, of so many that its policy asks for. */
  readonly holding: number;
  readonly needed: number;
  /** By the same person, and it held still. */
  readonly repeated: boolean;
}

/** Once more by the same person is the same while it holds, and a new one afterwards. */
export async function approveRun(parts: SayingParts, call: ApprovalCall): Promise<Approved> {
  const { runId, by, reason } = call;
  return inTransaction(parts.pool, async (db) => {
    const { secretId, facts } = await lockRun(db, parts.traitsOf, runId);
    const { rule, person } = allowed(facts, by);
    const { hash, content } = shownPlan(facts, call.plan);
    const { rowCount } = await db.query(
      `insert into rotor.approvals
         (run_id, plan_hash, content, approved_by, person, reason, expires_at)
       select $1, $2, $3, $4, $5, $6, clock_timestamp() + make_interval(secs => $7)
       where not exists (select from rotor.approvals a where a.run_id = $1 and a.plan_hash = $2
         and a.person = $5 and a.expires_at > clock_timestamp())`,
      [runId, hash, content, by.name, person, reason, rule.livesMs / 1_000],
    );
    const event = { change: 'approved', plan: hash, person, reason };
    if (rowCount === 1) await parts.audit.append(db, secretId, [{ actor: by.name, runId, event }]);
    const others = holdingApprovals(facts, rule, content).filter((one) => one.person !== person);
    const repeated = rowCount === 0;
    return { secretId, hash, holding: others.length + 1, needed: rule.needed, repeated };
  });
}

export type ReviewCall = Omit<ApprovalCall, 'plan'>;

/** Signs off what was contained without approval: by a person who did not ask for it, and did not join. */
export async function reviewRun(
  { pool, audit }: Pick<SayingParts, 'pool' | 'audit'>,
  { runId, by, reason }: ReviewCall,
): Promise<void> {
  await inTransaction(pool, async (db) => {
    // Locked first: whoever reviewed at the same moment has closed the finding by then.
    await db.query(
      'select 1 from rotor.secrets where id = (select secret_id from rotor.runs where id = $1) for update',
      [runId],
    );
    const { rows } = await db.query<{ secret_id: string; asked: boolean }>(
      `select r.secret_id, coalesce(r.requested_person = $3, false) or exists (select
         from rotor.joined_requests j where j.run_id = r.id and j.person = $3) as asked
       from rotor.runs r join rotor.findings f on f.secret_id = r.secret_id and f.about = r.id::text
         and f.code = $2 and f.closed_at is null
       where r.id = $1`,
      [runId, breakGlass, by.person],
    );
    const [found] = rows;
    if (found === undefined) throw refused('review-not-needed', 'nothing of it is to be reviewed');
    if (by.person === undefined) throw denied(`${by.name} is a program's token: a person reviews`);
    if (found.asked) throw denied(`${by.person} asked for it: somebody else reviews`);
    await closeFindings(db, found.secret_id, { code: breakGlass, abouts: [runId] });
    const event = { change: 'reviewed', person: by.person, reason };
    await audit.append(db, found.secret_id, [{ actor: by.name, runId, event }]);
  });
}

const breakGlass = 'unreviewed-break-glass';

function allowed(facts: Facts, by: Principal) {
  const { run } = facts;
  const rule = approvalRule(facts);
  if (run.state === 'ended') throw refused('run-ended', 'this run is over');
  if (rule === undefined) throw refused('approval-not-needed', 'its policy asks for no approval');
  const { person } = by;
  if (person === undefined) throw denied(`${by.name} is a program's token: a person approves`);
  if (hasAskedFor(facts, person)) throw denied(`${person} asked for it: somebody else approves`);
  if (rule.by.length > 0 && !rule.by.includes(person))
    throw denied(`its policy names who approves: ${rule.by.join(', ')}`);
  return { rule, person };
}

function denied(message: string): RotorError {
  return new RotorError('not-allowed', message, { kind: 'denied' });
}

function shownPlan({ run }: Facts, shown: string) {
  const { plan } = run;
  const content = plan?.content;
  const hint = `rotor approve ${shortId(run.runId)} shows it as it is now`;
  if (plan === undefined || content === undefined)
    throw refused('plan-missing', 'there is no plan yet', hint);
  if (!plan.hash.startsWith(shown))
    throw refused('plan-changed', 'the plan is not the one that was shown', hint);
  return { hash: plan.hash, content };
}
