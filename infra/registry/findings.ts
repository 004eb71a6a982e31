/** Findings: seen again, it is the same one, open once more; it closes by the facts. */
import type { Change, Finding } from '../../domain/change.js';
import type { Queryable } from '../postgres.js';

export async function writeFinding(
  db: Queryable,
  secretId: string,
  finding: Finding,
): Promise<void> {
  await db.query(
    `insert into rotor.findings as f (secret_id, version_id, code, about, message, source)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (secret_id, code, about) do update set
       last_at = clock_timestamp(), count = f.count + 1, message = excluded.message, closed_at = null`,
    [
      secretId,
      finding.versionId ?? null,
      finding.code,
      finding.about,
      finding.message,
      finding.source === undefined ? null : JSON.stringify(finding.source),
    ],
  );
}

export async function closeFindings(
  db: Queryable,
  secretId: string,
  { code, abouts }: Omit<Extract<Change, { change: 'findings-closed' }>, 'change'>,
): Promise<void> {
  await db.query(
    `update rotor.findings set closed_at = clock_timestamp()
     where secret_id = $1 and code = $2 and about = any($3) and closed_at is null`,
    [secretId, code, abouts],
  );
}
