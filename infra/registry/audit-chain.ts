/** Reads an audit chain page by page, and names the first event of it that does not fit. */
import type pg from 'pg';
import type { Queryable } from '../postgres.js';

/** Before the first event. */
export const beginning = Buffer.alloc(32);

export interface StoredLink {
  readonly chain_id: string;
  readonly seq: string;
  readonly at: Date;
  readonly actor: string;
  readonly run_id: string | null;
  readonly event: unknown;
  readonly mac: Buffer;
}

export interface StoredHead {
  readonly chain_id: string;
  readonly count: string;
  readonly head: Buffer;
  readonly mac: Buffer;
}

export interface ChainFault {
  readonly seq: number;
  readonly fault:
    'changed-or-inserted' | 'missing' | 'last-events-missing' | 'head-missing' | 'head-changed';
}

/** What whoever reads all chains holds in memory, however many there are. */
export const chainsPerPage = 200;

/** The first and the last event that are there. */
export type Bounds = Pick<ChainPart, 'chain_id'> & {
  readonly first: string | null;
  readonly last: string | null;
};

/** Chains that somebody took away the end of; `only`: of these. */
export async function headless(db: Queryable, only?: readonly string[]): Promise<Bounds[]> {
  const { rows } = await db.query<Bounds>(
    `select a.chain_id, min(a.seq) as first, max(a.seq) as last from rotor.audit a
     where ($1::uuid[] is null or a.chain_id = any($1))
       and not exists (select from rotor.audit_heads h where h.chain_id = a.chain_id)
     group by a.chain_id order by a.chain_id`,
    [only ?? null],
  );
  return rows;
}

/** What only the holder of the key can say. */
export interface ChainChecks {
  /** Whether the event is as rotor wrote it, after the one whose MAC is `previous`. */
  fits(stored: StoredLink, previous: Buffer): boolean;
  /** Of a whole chain: what its head says against it. */
  headFault(
    found: { count: number; last: Buffer },
    head: StoredHead | undefined,
  ): ChainFault | undefined;
}

/** A part of a chain, as it was when it was reached: what is added meanwhile is not read. */
export interface ChainPart {
  readonly chain_id: string;
  readonly first: string;
  readonly last: string;
  /** The MAC of the event before the first. */
  readonly previous: Buffer | null;
  /** Undefined: somebody took away where it ends. */
  readonly ends: StoredHead | undefined;
  /** Whether the last event that is read is the last one of all. */
  readonly isWhole: boolean;
}

export interface ChainReading {
  /** No transaction is open between two pages, and no more than one page is in memory. */
  pages(): AsyncGenerator<readonly StoredLink[]>;
  /** The first one: what comes after it is not worth more. Asked once all pages were read. */
  fault(): ChainFault | undefined;
}

export interface ReadingParts {
  readonly pool: Pick<pg.Pool, 'query'>;
  readonly audit: ChainChecks;
}

const eventsPerPage = 500;

interface Read {
  previous: Buffer;
  seq: number;
  fault: ChainFault | undefined;
}

export function readChain(parts: ReadingParts, chain: ChainPart): ChainReading {
  const read: Read = {
    previous: chain.previous ?? beginning,
    seq: Number(chain.first) - 1,
    fault: undefined,
  };
  return {
    pages: () => pagesOf(parts, chain, read),
    fault: () => read.fault ?? endFault(parts.audit, chain, read),
  };
}

async function* pagesOf(
  { pool, audit }: ReadingParts,
  { chain_id: id, last }: ChainPart,
  read: Read,
): AsyncGenerator<readonly StoredLink[]> {
  while (read.seq < Number(last)) {
    const { rows } = await pool.query<StoredLink>(
      `select chain_id, seq, at, actor, run_id, event, mac from rotor.audit
       where chain_id = $1 and seq > $2 and seq <= $3 order by seq limit ${eventsPerPage}`,
      [id, read.seq, last],
    );
    for (const stored of rows) look(audit, read, stored);
    yield rows;
    if (rows.length < eventsPerPage) return;
  }
}

function look(audit: ChainChecks, read: Read, stored: StoredLink): void {
  const seq = Number(stored.seq);
  if (seq !== read.seq + 1) read.fault ??= { seq: read.seq + 1, fault: 'missing' };
  if (!audit.fits(stored, read.previous)) read.fault ??= { seq, fault: 'changed-or-inserted' };
  read.previous = stored.mac;
  read.seq = seq;
}

function endFault(
  audit: ChainChecks,
  { ends, last, isWhole }: ChainPart,
  { seq, previous }: Read,
): ChainFault | undefined {
  if (isWhole) return audit.headFault({ count: seq, last: previous }, ends);
  return seq < Number(last) ? { seq: seq + 1, fault: 'missing' } : undefined;
}
