/** Findings: seen again, it is the same one, open once more; it closes by the facts. */
import { isExplained, type SeenAs } from '../../domain/attribution.js';
import type { Change } from '../../domain/change.js';
import { severityOf, type Finding } from '../../domain/finding.js';
import type { UseSource } from '../../domain/issuer.js';
import type { Queryable } from '../postgres.js';

export const findingColumns =
  '(secret_id, version_id, code, about, message, source, severity, evidence)';
/** Of `rotor.findings as f`. */
export const seenAgain = `do update set last_at = clock_timestamp(), count = f.count + 1,
  message = excluded.message, severity = excluded.severity, evidence = excluded.evidence, closed_at = null`;

/** What belongs to no secret has a key of its own. */
export async function writeFinding(
  db: Queryable,
  secretId: string | null,
  finding: Finding,
): Promise<void> {
  const key =
    secretId === null ? '(code, about) where secret_id is null' : '(secret_id, code, about)';
  await db.query(
    `insert into rotor.findings as f ${findingColumns} values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict ${key} ${seenAgain}`,
    [
      secretId,
      finding.versionId ?? null,
      finding.code,
      finding.about,
      finding.message,
      asJson(finding.source),
      severityOf(finding),
      asJson(finding.evidence),
    ],
  );
}

function asJson(value: object | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

export async function closeFindings(
  db: Queryable,
  secretId: string | null,
  { code, abouts }: Omit<Extract<Change, { change: 'findings-closed' }>, 'change'>,
): Promise<void> {
  await db.query(
    `update rotor.findings set closed_at = clock_timestamp()
     where secret_id is not distinct from $1 and code = $2 and about = any($3) and closed_at is null`,
    [secretId, code, abouts],
  );
}

interface Undeclared {
  readonly id: string;
  readonly source: UseSource;
  readonly dependencies: readonly {
    readonly dependencyId: string;
    readonly seenAs: SeenAs | null;
  }[];
}

/** Closes use by nobody declared, of these secrets, where a declaration now says who it is. */
export async function closeExplained(db: Queryable, secretIds: readonly string[]): Promise<void> {
  const { rows } = await db.query<Undeclared>(
    `select f.id, f.source,
       (select coalesce(json_agg(json_build_object('dependencyId', d.id, 'seenAs', d.seen_as)), '[]')
        from rotor.dependencies d where d.secret_id = f.secret_id and d.retired_at is null) as dependencies
     from rotor.findings f where f.secret_id = any($1) and f.code = 'undeclared-use'
       and f.closed_at is null and f.source is not null`,
    [secretIds],
  );
  const explained = rows.filter(({ source, dependencies }) =>
    isExplained(
      source,
      dependencies.map((one) => ({ ...one, seenAs: one.seenAs ?? undefined })),
    ),
  );
  if (explained.length === 0) return;
  await db.query('update rotor.findings set closed_at = clock_timestamp() where id = any($1)', [
    explained.map(({ id }) => id),
  ]);
}
