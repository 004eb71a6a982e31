/** The audit trail: each event carries a MAC over itself and the one before it, so that no change goes unseen. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { canonicalText } from '../../trail/canonical.js';
import type pg from 'pg';
import type { Queryable } from '../postgres.js';
import {
  beginning,
  type ChainChecks,
  type ChainFault,
  type StoredHead,
  type StoredLink,
} from './audit-chain.js';
import { verifyChains, type AuditVerdict } from './audit-verify.js';

export interface AuditEvent {
  readonly actor: string;
  readonly runId?: string | undefined;
  readonly event: object;
}

/** Where a chain ends, read under the lock that the events are added under. */
export interface ChainHead {
  readonly head: Buffer;
  readonly count: number;
}

/** The id of a chain, or with it where it ends. */
export type ChainEnd = string | ({ readonly chainId: string } & ChainHead);

export interface AuditTrail extends ChainChecks {
  /** Adds events to a chain; the caller's transaction holds the lock of what the chain is about. */
  append(db: Queryable, chain: ChainEnd, events: readonly AuditEvent[]): Promise<void>;
  /** Reads every chain, and names the first event of each that does not fit. */
  verify(pool: Pick<pg.Pool, 'query'>): Promise<AuditVerdict>;
}

interface Link {
  readonly chainId: string;
  readonly seq: number;
  readonly at: string;
  readonly actor: string;
  readonly runId: string | null;
  readonly event: unknown;
}

/** RFC 8785 canonical JSON under HMAC-SHA-256. */
function macOf(key: Buffer, link: Link, previous: Buffer): Buffer {
  const text = canonicalText({ ...link, previous: previous.toString('base64url') });
  return createHmac('sha256', key).update(text).digest();
}

interface Head {
  readonly chainId: string;
  readonly count: number;
  readonly head: Buffer;
}

function headMac(key: Buffer, { chainId, count, head }: Head): Buffer {
  const text = canonicalText({ chainId, count, head: head.toString('base64url') });
  return createHmac('sha256', key).update('head:').update(text).digest();
}

/** JSON as the database gives it back: dates as text, nothing undefined. */
function plain(event: object): unknown {
  return JSON.parse(JSON.stringify(event));
}

export function openAudit(key: Buffer): AuditTrail {
  const checks: ChainChecks = {
    fits: (stored, previous) => isSame(macOf(key, linkOf(stored), previous), stored.mac),
    headFault: (found, head) => headFault(key, found, head),
  };
  return {
    ...checks,
    append: (db, chain, events) =>
      append(key, db, {
        chainId: typeof chain === 'string' ? chain : chain.chainId,
        events,
        head: typeof chain === 'string' ? undefined : chain,
      }),
    verify: (pool) => verifyChains({ pool, audit: checks }),
  };
}

interface Addition {
  readonly chainId: string;
  readonly events: readonly AuditEvent[];
  readonly head: ChainHead | undefined;
}

async function append(
  key: Buffer,
  db: Queryable,
  { chainId, events, head: known }: Addition,
): Promise<void> {
  if (events.length === 0) return;
  const start = known ?? (await headOf(db, chainId));
  let { head, count } = start;
  const at = new Date().toISOString();
  const links = events.map(({ actor, runId, event }) => {
    count += 1;
    const link = { chainId, seq: count, at, actor, runId: runId ?? null, event: plain(event) };
    head = macOf(key, link, head);
    return { ...link, mac: head.toString('hex') };
  });
  await db.query(
    `with added as (
       insert into rotor.audit (chain_id, seq, at, actor, run_id, event, mac)
       select $1, l.seq, l.at, l.actor, l.run_id, l.event, decode(l.mac, 'hex')
       from jsonb_to_recordset($2::jsonb)
         as l(seq bigint, at timestamptz, actor text, run_id uuid, event jsonb, mac text))
     insert into rotor.audit_heads (chain_id, count, head, mac) values ($1, $3, $4, $5)
     on conflict (chain_id) do update set count = $3, head = $4, mac = $5`,
    [
      chainId,
      JSON.stringify(links.map(({ runId, ...link }) => ({ ...link, run_id: runId }))),
      count,
      head,
      headMac(key, { chainId, count, head }),
    ],
  );
}

async function headOf(db: Queryable, chainId: string): Promise<ChainHead> {
  const { rows } = await db.query<{ head: Buffer; count: string }>(
    'select head, count from rotor.audit_heads where chain_id = $1 for update',
    [chainId],
  );
  const found = rows[0];
  return found === undefined
    ? { head: beginning, count: 0 }
    : { head: found.head, count: Number(found.count) };
}

function headFault(
  key: Buffer,
  found: { count: number; last: Buffer },
  head: StoredHead | undefined,
): ChainFault | undefined {
  if (head === undefined) return { seq: found.count, fault: 'head-missing' };
  const count = Number(head.count);
  if (!isSame(headMac(key, { chainId: head.chain_id, count, head: head.head }), head.mac)) {
    return { seq: count, fault: 'head-changed' };
  }
  if (count > found.count) return { seq: found.count + 1, fault: 'last-events-missing' };
  if (count < found.count) return { seq: count + 1, fault: 'changed-or-inserted' };
  return isSame(head.head, found.last) ? undefined : { seq: count, fault: 'changed-or-inserted' };
}

function linkOf(stored: StoredLink): Link {
  return {
    chainId: stored.chain_id,
    seq: Number(stored.seq),
    at: stored.at.toISOString(),
    actor: stored.actor,
    runId: stored.run_id,
    event: stored.event,
  };
}

function isSame(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
