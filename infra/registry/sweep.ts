/** Facts of many secrets at once, one statement per kind of fact, and their findings, one statement per batch. */
import type pg from 'pg';
import type { SweepBook } from '../../domain/sweep/book.js';
import type { SweptSecret } from '../../domain/sweep/facts.js';
import { rememberedMs } from '../../domain/sweep/settled.js';
import { closeFindings, writeFinding } from './findings.js';
import { rowsOfSecrets, type Rows } from './sweep-rows.js';
import { writePage } from './sweep-findings.js';

export function openSweepBook(pool: pg.Pool): SweepBook {
  return {
    isRecovering: async () => {
      const { rows } = await pool.query<{ recovering: boolean }>(
        'select recovering from rotor.installation',
      );
      return rows[0]?.recovering ?? true;
    },
    issuers: async () => {
      const { rows } = await pool.query<{ issuer: string }>(
        'select distinct issuer from rotor.secrets where retired_at is null order by 1',
      );
      return rows.map(({ issuer }) => issuer);
    },
    read: async (pages) => together(await rowsOfSecrets(pool, pages)),
    busy: async (secretIds) => {
      const { rows } = await pool.query<{ id: string }>(
        `select distinct secret_id as id from rotor.runs
         where secret_id = any($1) and state <> 'ended'`,
        [secretIds],
      );
      return new Set(rows.map(({ id }) => id));
    },
    known: (about) => known(pool, about),
    write: (page) => writePage(pool, page),
    writeOwn: async ({ code, about }, finding) => {
      if (finding === undefined) await closeFindings(pool, null, { code, abouts: [about] });
      else await writeFinding(pool, null, finding);
    },
    closeForgotten: () => closeForgotten(pool),
    noteSwept: async () => {
      await pool.query('update rotor.installation set swept_at = clock_timestamp()');
    },
  };
}

/** Rows of each kind come back to the secret that they are about. */
function together({ secrets, ...kinds }: Rows): SweptSecret[] {
  const versions = bySecret(kinds.versions);
  const dependencies = bySecret(kinds.dependencies);
  const uses = bySecret(kinds.uses);
  const called = bySecret(kinds.called);
  const open = bySecret(kinds.open);
  const records = new Map(kinds.records.map(({ secretId, record }) => [secretId, record]));
  return secrets.map((secret) => {
    const all = dependencies.get(secret.secretId) ?? [];
    return {
      ...secret,
      versions: versions.get(secret.secretId) ?? [],
      dependencies: all.filter(({ isRetired }) => !isRetired),
      retired: all.filter(({ isRetired }) => isRetired),
      uses: uses.get(secret.secretId) ?? [],
      record: records.get(secret.secretId),
      called: (called.get(secret.secretId) ?? []).map(({ versionId }) => versionId),
      open: open.get(secret.secretId) ?? [],
    };
  });
}

function bySecret<T extends { readonly secretId: string }>(rows: readonly T[]): Map<string, T[]> {
  const sorted = new Map<string, T[]>();
  for (const row of rows) {
    const there = sorted.get(row.secretId);
    if (there === undefined) sorted.set(row.secretId, [row]);
    else there.push(row);
  }
  return sorted;
}

type Known = SweepBook['known'];

async function known(
  pool: pg.Pool,
  { secret, credentialIds, versionIds }: Parameters<Known>[0],
): ReturnType<Known> {
  const [others, tagged] = await Promise.all([
    pool.query<{ id: string }>(
      `select v.credential_id as id from rotor.versions v join rotor.secrets s on s.id = v.secret_id
       where s.issuer = $1 and s.id <> $2 and v.credential_id = any($3)`,
      [secret.issuer, secret.secretId, credentialIds],
    ),
    pool.query<{ id: string; secretId: string }>(
      'select id, secret_id as "secretId" from rotor.versions where id::text = any($1)',
      [versionIds],
    ),
  ]);
  return {
    ofOthers: new Set(others.rows.map(({ id }) => id)),
    secretOf: new Map(tagged.rows.map(({ id, secretId }) => [id, secretId])),
  };
}

/**
 * Late use of a revoked version and what could not be cleaned outlive the secret until they are settled, as those of
 * others are. What nobody has reviewed, and what a person has not done, are closed by whoever does it.
 */
async function closeForgotten(pool: pg.Pool): Promise<void> {
  await pool.query(
    `update rotor.findings f set closed_at = clock_timestamp()
     from rotor.secrets s where s.id = f.secret_id and s.retired_at is not null and f.closed_at is null
       and case f.code
         when 'unreviewed-break-glass' then false
         when 'task-overdue' then false
         when 'revoked-use' then f.last_at < clock_timestamp() - make_interval(secs => $1)
         when 'clean-failed' then not exists (select from rotor.versions v where v.secret_id = s.id
           and v.state in ('revoked', 'ended') and v.value = 'sealed')
         else true end`,
    [rememberedMs / 1_000],
  );
  await pool.query(
    `update rotor.findings f set closed_at = clock_timestamp()
     where f.secret_id is null and f.code in ('issuer-not-asked', 'issuer-implausible') and f.closed_at is null
       and not exists (select from rotor.secrets s where s.issuer = f.about and s.retired_at is null)`,
  );
}
