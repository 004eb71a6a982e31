/** The audit trail as lines that anybody can check: each chain up to where it ended when it was reached, page by page. */
import type pg from 'pg';
import { RotorError } from '../../domain/errors.js';
import type { SecretName } from '../../domain/registry.js';
import type { Signer } from '../../trail/signing.js';
import { openTrailWriter, type Writable } from '../../trail/write.js';
import { inTransaction } from '../postgres.js';
import type { AuditTrail } from './audit.js';
import {
  beginning,
  chainsPerPage,
  headless,
  readChain,
  type Bounds,
  type ChainPart,
  type StoredHead,
  type StoredLink,
} from './audit-chain.js';
import { noteInstallation } from './installation-trail.js';

export interface ExportAsked {
  readonly secret: SecretName | undefined;
  /** Events of this moment and later. */
  readonly from: Date | undefined;
  /** Events before this moment. */
  readonly to: Date | undefined;
  readonly by: string;
}

export interface ExportParts {
  readonly pool: pg.Pool;
  readonly audit: AuditTrail;
  readonly signer: Signer;
}

/** Who took the trail along is in it. Throws before the first line where the question is wrong. */
export async function exportAudit(
  parts: ExportParts,
  asked: ExportAsked,
): Promise<AsyncGenerator<string>> {
  const { pool, audit } = parts;
  const only = asked.secret === undefined ? undefined : await chainsOf(pool, asked.secret);
  const { secret, from, to, by } = asked;
  const event = { change: 'audit-exported', secret: nameOf(secret), from, to };
  await inTransaction(pool, (db) => noteInstallation({ audit }, db, { actor: by, event }));
  return writeAll(parts, asked, only);
}

function nameOf(secret: SecretName | undefined): string | null {
  return secret === undefined ? null : `${secret.organization}/${secret.secret}`;
}

/** A name may have been declared again. */
async function chainsOf(pool: pg.Pool, { organization, secret }: SecretName): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `select s.id from rotor.secrets s join rotor.organizations o on o.id = s.organization_id
     where o.name = $1 and s.name = $2`,
    [organization, secret],
  );
  if (rows.length > 0) return rows.map(({ id }) => id);
  throw new RotorError('no-such-secret', `there is no secret ${organization}/${secret}`, {
    kind: 'missing',
  });
}

async function* writeAll(
  parts: ExportParts,
  asked: ExportAsked,
  only: readonly string[] | undefined,
): AsyncGenerator<string> {
  const writer = openTrailWriter(parts.signer);
  yield writer.write(await openingOf(parts, asked));
  for (let after: string | undefined, more = true; more;) {
    const page = await chainPage(parts.pool, asked, { only, after });
    for (const chain of page)
      for await (const line of chainLines(parts, chain)) yield writer.write(line);
    after = page.at(-1)?.chain_id;
    more = page.length === chainsPerPage;
  }
  for (const bounds of await headless(parts.pool, only))
    for await (const line of chainLines(parts, leftOf(bounds))) yield writer.write(line);
  yield writer.end();
}

async function openingOf({ pool, signer }: ExportParts, asked: ExportAsked): Promise<Writable> {
  const { rows } = await pool.query<{ id: string }>('select id from rotor.installation');
  return {
    kind: 'opening',
    format: 1,
    installation: rows[0]?.id ?? '',
    key: signer.publicKey,
    at: new Date().toISOString(),
    secret: nameOf(asked.secret),
    from: asked.from?.toISOString() ?? null,
    to: asked.to?.toISOString() ?? null,
  };
}

interface Chain extends ChainPart {
  readonly about: string;
}

/** A range of each chain without gaps: from its first event that is late enough to its last that is early enough. */
const chainStatement = `
  select h.chain_id, h.count, h.head, h.mac, r.first, r.last, p.mac as previous,
    coalesce(o.name || '/' || s.name, 'the installation') as about
  from rotor.audit_heads h
  left join rotor.secrets s on s.id = h.chain_id
  left join rotor.organizations o on o.id = s.organization_id
  cross join lateral (
    select coalesce(f.first, l.last + 1) as first, l.last from
      (select case when $2::timestamptz is null then 1 else (select min(a.seq) from rotor.audit a
         where a.chain_id = h.chain_id and a.seq <= h.count and a.at >= $2) end as first) f,
      (select case when $3::timestamptz is null then h.count else coalesce((select max(a.seq)
         from rotor.audit a where a.chain_id = h.chain_id and a.seq <= h.count and a.at < $3), 0)
         end as last) l) r
  left join rotor.audit p on p.chain_id = h.chain_id and p.seq = r.first - 1
  where ($1::uuid is null or h.chain_id > $1) and ($4::uuid[] is null or h.chain_id = any($4))
  order by h.chain_id limit ${chainsPerPage}`;

async function chainPage(
  pool: pg.Pool,
  { from, to }: ExportAsked,
  { only, after }: { only: readonly string[] | undefined; after: string | undefined },
): Promise<Chain[]> {
  const { rows } = await pool.query<Omit<Chain, 'ends' | 'isWhole'> & StoredHead>(chainStatement, [
    after ?? null,
    from ?? null,
    to ?? null,
    only ?? null,
  ]);
  return rows.map((row) => ({ ...row, ends: row, isWhole: row.last === row.count }));
}

/** What is left of a chain whose end somebody took away is exported whole. */
function leftOf({ chain_id, last }: Bounds): Chain {
  const whole = { first: '1', last: last ?? '0', previous: null, ends: undefined, isWhole: true };
  return { chain_id, about: 'unknown', ...whole };
}

async function* chainLines(parts: ExportParts, chain: Chain): AsyncGenerator<Writable> {
  const [first, last] = [Number(chain.first), Number(chain.last)];
  const previous = chain.previous ?? beginning;
  const { chain_id: id, about } = chain;
  const head = { kind: 'chain', chain: id, about } as const;
  if (last < first) return yield { ...head, first, last: first - 1, previous: textOf(previous) };
  yield { ...head, first, last, previous: textOf(previous) };
  // Only what rotor has the key to check is signed in silence.
  const reading = readChain(parts, chain);
  for await (const page of reading.pages()) for (const stored of page) yield eventLine(stored);
  const fault = reading.fault();
  if (fault !== undefined) yield { kind: 'fault', chain: id, ...fault };
}

function eventLine({ chain_id, seq, at, actor, run_id, event, mac }: StoredLink): Writable {
  return {
    kind: 'event',
    chain: chain_id,
    seq: Number(seq),
    at: at.toISOString(),
    actor,
    run: run_id,
    event,
    mac: textOf(mac),
  };
}

function textOf(hash: Buffer): string {
  return hash.toString('base64url');
}
