/** Use of an old value by somebody of whom a person said that the new one was typed in. */
import type { Finding } from '../../domain/finding.js';
import type { UseSource } from '../../domain/issuer.js';
import type { Queryable } from '../postgres.js';

export interface Confirmed {
  readonly taskId: string;
  readonly dependencyId: string;
  readonly versionId: string;
  readonly ordinal: number;
  readonly settledBy: string;
  /** From then on it may be expected: also what the dependent needs to pick it up is over. */
  readonly expectedFrom: Date;
}

/** What was asked last of each, where that was confirmed and still is the one to be used. */
export async function lastConfirmed(db: Queryable, secretId: string): Promise<Confirmed[]> {
  const { rows } = await db.query<Confirmed>(
    `select k.id as "taskId", k.dependency_id as "dependencyId", k.version_id as "versionId",
       v.ordinal, k.settled_by as "settledBy",
       k.settled_at + make_interval(secs => d.picks_up_within_ms / 1000.0) as "expectedFrom"
     from (select distinct on (t.dependency_id) t.* from rotor.tasks t
           where t.secret_id = $1 and t.kind = 'enter'
           order by t.dependency_id, t.opened_at desc) k
       join rotor.versions v on v.id = k.version_id
       join rotor.dependencies d on d.id = k.dependency_id
     where k.state = 'confirmed' and v.is_current and d.retired_at is null`,
    [secretId],
  );
  return rows;
}

export interface OldUse {
  readonly version: { readonly id: string; readonly ordinal: number };
  readonly source: UseSource;
  /** By the database's clock. */
  readonly at: number;
  readonly owner: { readonly dependencyId: string; readonly dependent: string };
}

/** Undefined where nobody said otherwise. */
export function contradicted(
  confirmed: readonly Confirmed[],
  { version, source, at, owner }: OldUse,
): Finding | undefined {
  const said = confirmed.find(({ dependencyId }) => dependencyId === owner.dependencyId);
  if (said === undefined || said.versionId === version.id) return undefined;
  if (at <= said.expectedFrom.getTime()) return undefined;
  const message = `${owner.dependent} uses v${version.ordinal}, and ${said.settledBy} confirmed that it has v${said.ordinal}`;
  const evidence = { task: said.taskId, dependent: owner.dependent };
  return {
    code: 'confirmed-but-old-value-used',
    about: said.taskId,
    message,
    versionId: version.id,
    source,
    evidence,
  };
}
