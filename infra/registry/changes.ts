/** How each change of the language becomes rows. The database's own rules have the last word. */
import type { Change, DeliveryChanged } from '../../domain/change.js';
import { approvalRule, contentOf } from '../../domain/approval.js';
import type { Facts } from '../../domain/facts.js';
import { waitAfter } from '../../domain/wait.js';
import type { Queryable } from '../postgres.js';
import { closeFindings, writeFinding } from './findings.js';
import { one } from './one-row.js';
import { planHash } from './plan-hash.js';
import { noWait } from './run-end.js';
import { closeTask, openTask } from './task-rows.js';
import { confirmVersion, moveVersion, nameVersion } from './version-changes.js';

type Of<K extends Change['change']> = Extract<Change, { change: K }>;
type Writer<K extends Change['change']> = (
  db: Queryable,
  change: Of<K>,
  facts: Facts,
) => Promise<void>;

export async function applyChanges(
  db: Queryable,
  changes: readonly Change[],
  facts: Facts,
): Promise<void> {
  const written = changes.map((change) => {
    const write = writers[change.change] as Writer<Change['change']>;
    return write(db, change as never, facts);
  });
  await Promise.all(written);
}

const writers: { readonly [K in Change['change']]: Writer<K> } = {
  'plan-stored': storePlan,
  'version-named': nameVersion,
  'version-moved': (db, change) => moveVersion(db, change),
  'successor-chosen': (db, { versionId }, facts) =>
    one(
      db,
      `update rotor.runs set plan = jsonb_set(plan, '{towards}', to_jsonb($2::text)) where id = $1`,
      [facts.run.runId, versionId],
    ),
  'version-confirmed': confirmVersion,
  'stragglers-forgiven': (db, { versionId }) =>
    one(db, 'update rotor.versions set brought_back = 0 where id = $1', [versionId]),
  'version-refused': (db, { versionId }) =>
    one(db, 'update rotor.versions set refused = true where id = $1', [versionId]),
  'disable-renewed': (db, { versionId, until }) =>
    one(db, `update rotor.versions set disabled_until = $2 where id = $1 and state = 'disabled'`, [
      versionId,
      until,
    ]),
  'value-known': (db, { versionId, value }) =>
    one(db, 'update rotor.versions set value = $2 where id = $1', [versionId, value]),
  'credential-listed': (db, { versionId, listedBefore }) =>
    one(db, 'update rotor.versions set listed_before = $2 where id = $1', [
      versionId,
      JSON.stringify(listedBefore),
    ]),
  'effect-begun': (db, change, facts) =>
    one(
      db,
      `insert into rotor.effects (id, run_id, kind, version_id, deadline) values ($1, $2, $3, $4, $5)`,
      [change.effectId, facts.run.runId, change.effect, change.versionId, change.deadline],
    ),
  'mint-answered': (db, { versionId, credentialId }) =>
    one(db, 'update rotor.versions set minted_as = $2 where id = $1', [versionId, credentialId]),
  'effect-finished': (db, { effectId }) =>
    one(db, 'update rotor.effects set finished = true where id = $1', [effectId]),
  'lease-taken': takeLease,
  'lease-released': async (db, { destinationId, generation }) => {
    await db.query(
      'update rotor.leases set released = true where destination_id = $1 and generation = $2',
      [destinationId, generation],
    );
  },
  delivery: (db, change) => changeDelivery(db, change),
  granted: (db, change, facts) =>
    one(
      db,
      `insert into rotor.grants (id, version_id, run_id, basis, because, expires_at)
       values ($1, $2, $3, $4, $5, $6)`,
      [
        change.grantId,
        change.versionId,
        facts.run.runId,
        change.basis,
        change.because,
        change.expiresAt,
      ],
    ),
  'revoke-called': (db, { grantId }) =>
    one(db, 'update rotor.grants set called_at = clock_timestamp() where id = $1', [grantId]),
  // The audit event is the record.
  'probe-marked': () => Promise.resolve(),
  'approvals-used': async (db, { approvalIds, hash }, facts) => {
    await db.query(
      `update rotor.approvals set used_for = array_append(used_for, $3)
       where run_id = $1 and id = any($2) and not used_for @> array[$3]`,
      [facts.run.runId, approvalIds, hash],
    );
  },
  'decision-read': (db, { decisionId }) =>
    one(db, 'update rotor.decisions set read = true where id = $1', [decisionId]),
  'run-waits': (db, change, facts) => {
    const { code, until, promised, held } = waitAfter(facts, change);
    return one(
      db,
      `update rotor.runs set waits_code = $2, waits_told = $3, waits_until = $4,
         waits_promised = $5, waits_held = $6 where id = $1`,
      [facts.run.runId, code, change.told, until ?? null, promised ?? null, held],
    );
  },
  'run-goes-on': (db, _change, facts) =>
    one(db, `update rotor.runs set ${noWait} where id = $1`, [facts.run.runId]),
  'turned-around': (db, { decisionKind, reason }, facts) =>
    one(
      db,
      `insert into rotor.decisions (id, run_id, kind, decided_by, reason)
       values (gen_random_uuid(), $1, $2, 'rotor', $3)`,
      [facts.run.runId, decisionKind, reason],
    ),
  'run-ended': async (db, { outcome }, facts) => {
    await one(
      db,
      `update rotor.runs set state = 'ended', outcome = $2, ended_at = clock_timestamp(),
         ${noWait} where id = $1`,
      [facts.run.runId, outcome],
    );
    await db.query(
      `update rotor.runs set state = 'requested' where secret_id = $1 and state = 'queued'`,
      [facts.secret.secretId],
    );
  },
  'secret-retired': (db, _change, facts) =>
    one(
      db,
      'update rotor.secrets set retired_at = clock_timestamp() where id = $1 and retired_at is null',
      [facts.secret.secretId],
    ),
  'task-opened': openTask,
  'task-closed': closeTask,
  'task-heard': (db, { taskId }) =>
    one(db, 'update rotor.tasks set heard = true where id = $1', [taskId]),
  monitoring: (db, { versionId, until }) =>
    one(db, 'update rotor.versions set monitor_until = $2 where id = $1', [versionId, until]),
  'findings-closed': (db, change, facts) => closeFindings(db, facts.secret.secretId, change),
  found: (db, { finding }, facts) => writeFinding(db, facts.secret.secretId, finding),
};

async function storePlan(
  db: Queryable,
  { plan, revision }: Of<'plan-stored'>,
  facts: Facts,
): Promise<void> {
  const content = contentOf(facts, plan);
  const hash = planHash(content);
  const { runId } = facts.run;
  // What people approve is compared later; elsewhere it would only make every reading longer.
  const kept = approvalRule(facts) === undefined ? plan : { ...plan, content };
  await db.query('insert into rotor.plans (run_id, revision, hash, plan) values ($1, $2, $3, $4)', [
    runId,
    revision,
    hash,
    plan,
  ]);
  await one(
    db,
    `update rotor.runs set plan = $2, plan_revision = $3, plan_hash = $4, state = 'running',
       started_at = coalesce(started_at, clock_timestamp()),
       ${noWait}
     where id = $1 and state in ('requested', 'running')`,
    [runId, kept, revision, hash],
  );
}

async function takeLease(db: Queryable, change: Of<'lease-taken'>, facts: Facts): Promise<void> {
  await one(
    db,
    `insert into rotor.leases (destination_id, generation, version_id, run_id, deadline, contested)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (destination_id) do update set generation = $2, version_id = $3, run_id = $4,
       deadline = $5, contested = $6, released = false
     where rotor.leases.generation = $2 - 1`,
    [
      change.destinationId,
      change.generation,
      change.versionId,
      facts.run.runId,
      change.deadline,
      JSON.stringify(change.contested),
    ],
  );
}

async function changeDelivery(db: Queryable, change: DeliveryChanged): Promise<void> {
  await one(
    db,
    `insert into rotor.deliveries as d
       (dependency_id, version_id, generation, evidence, delivered_at, moved_at, failure)
     values ($1, $2, $3, $4, case when $5 then clock_timestamp() end,
       case when $6 then clock_timestamp() end, $7)
     on conflict (dependency_id, version_id) do update set
       generation = greatest(d.generation, $3),
       evidence = coalesce($4, d.evidence),
       delivered_at = case when $5 then coalesce(d.delivered_at, clock_timestamp()) else d.delivered_at end,
       moved_at = case when $6 then coalesce(d.moved_at, clock_timestamp()) end,
       failure = $7`,
    [
      change.dependencyId,
      change.versionId,
      change.generation,
      change.evidence ?? null,
      change.delivered,
      change.moved,
      change.failure ?? null,
    ],
  );
}
