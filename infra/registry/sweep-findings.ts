/** Findings of a batch of secrets in one statement: written, seen again, and closed where nothing found them. */
import type pg from 'pg';
import { severityOf } from '../../domain/finding.js';
import { findingColumns, seenAgain } from './findings.js';
import type { Page, Told } from '../../domain/sweep/book.js';

/** Rows are written in one order, so that two writers never wait for each other in a circle. */
const write = `
with found as (
  select * from jsonb_to_recordset($1::jsonb) as f(secret_id uuid, version_id uuid, code text,
    about text, message text, source jsonb, severity text, evidence jsonb)),
before as (
  select f.secret_id, f.code, f.about from rotor.findings f
  join found using (secret_id, code, about) where f.closed_at is null),
written as (
  insert into rotor.findings as f ${findingColumns}
  select secret_id, version_id, code, about, message, source, severity, evidence
  from found order by secret_id, code, about
  on conflict (secret_id, code, about) ${seenAgain}
  returning 1),
settled as (
  select * from jsonb_to_recordset($2::jsonb) as f(secret_id uuid, code text, about text)),
over as (
  select f.id from rotor.findings f
  where f.secret_id = any($3) and f.closed_at is null and f.last_at < $5
    and (exists (select from settled s
           where (s.secret_id, s.code, s.about) = (f.secret_id, f.code, f.about))
      or (f.code = any($4) and not exists (select from found n
           where (n.secret_id, n.code, n.about) = (f.secret_id, f.code, f.about))))
  order by f.secret_id, f.code, f.about for update),
closed as (
  update rotor.findings f set closed_at = clock_timestamp() from over where f.id = over.id returning 1)
select (select count(*) from written)::int - (select count(*) from before)::int as opened,
  (select count(*) from closed)::int as closed`;

export async function writePage(pool: pg.Pool, { secrets, codes, lookedAt }: Page): Promise<Told> {
  const found = secrets.flatMap(({ secretId, findings }) =>
    findings.map((finding) => ({
      secret_id: secretId,
      version_id: finding.versionId,
      code: finding.code,
      about: finding.about,
      message: finding.message,
      source: finding.source,
      severity: severityOf(finding),
      evidence: finding.evidence,
    })),
  );
  const settled = secrets.flatMap(({ secretId, settled: names = [] }) =>
    names.map(({ code, about }) => ({ secret_id: secretId, code, about })),
  );
  const ids = secrets.map(({ secretId }) => secretId);
  const { rows } = await pool.query<Told>(write, [
    JSON.stringify(found),
    JSON.stringify(settled),
    ids,
    codes,
    lookedAt,
  ]);
  return rows[0] ?? { opened: 0, closed: 0 };
}
