/** Reads every audit chain up to where it ended when it was reached, a page at a time: no transaction holds it together. */
import type { Queryable } from '../postgres.js';
import {
  chainsPerPage,
  headless,
  readChain,
  type Bounds,
  type ChainFault,
  type ChainPart,
  type ReadingParts,
  type StoredHead,
} from './audit-chain.js';

export interface AuditVerdict {
  readonly chains: number;
  readonly events: number;
  readonly faults: readonly AuditFault[];
}

export interface AuditFault extends ChainFault {
  readonly chainId: string;
}

export async function verifyChains(parts: ReadingParts): Promise<AuditVerdict> {
  const faults: AuditFault[] = [];
  let [chains, events] = [0, 0];
  for await (const chain of everyChain(parts.pool)) {
    const reading = readChain(parts, chain);
    for await (const page of reading.pages()) events += page.length;
    const fault = reading.fault();
    if (fault !== undefined) faults.push({ chainId: chain.chain_id, ...fault });
    chains += 1;
  }
  return { chains, events, faults };
}

async function* everyChain(db: Queryable): AsyncGenerator<ChainPart> {
  for (let after: string | undefined, more = true; more;) {
    const page: readonly (Bounds & StoredHead)[] = await headPage(db, after);
    for (const row of page) yield whole(row, row);
    after = page.at(-1)?.chain_id;
    more = page.length === chainsPerPage;
  }
  for (const row of await headless(db)) yield whole(row, undefined);
}

/** Where a chain begins is looked up, too: somebody may have put an event before the first. */
function whole({ chain_id, first, last }: Bounds, ends: StoredHead | undefined): ChainPart {
  const from = Math.min(1, Number(first ?? 1));
  return { chain_id, first: String(from), last: last ?? '0', previous: null, ends, isWhole: true };
}

/** Head and last event of one statement agree: they are written by one, too. */
async function headPage(
  db: Queryable,
  after: string | undefined,
): Promise<(Bounds & StoredHead)[]> {
  const { rows } = await db.query<Bounds & StoredHead>(
    `select h.chain_id, h.count, h.head, h.mac, r.first, r.last from rotor.audit_heads h
     cross join lateral (select min(a.seq) as first, max(a.seq) as last from rotor.audit a
       where a.chain_id = h.chain_id) r
     where $1::uuid is null or h.chain_id > $1 order by h.chain_id limit ${chainsPerPage}`,
    [after ?? null],
  );
  return rows;
}
