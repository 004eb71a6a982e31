/** Ids as people type them: whole, or their first eight characters where those are enough. */
import type { Queryable } from '../postgres.js';

const lowest = '00000000-0000-0000-0000-000000000000';
const highest = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const whole = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * `text` asks for ids `between $1 and $2`, which an index answers, and for what else is given from `$3` on; undefined
 * where none begins like this, or several do.
 */
export async function findByShortId<R extends object>(
  db: Queryable,
  text: string,
  [id, ...more]: readonly [string, ...unknown[]],
): Promise<R | undefined> {
  const from = id + lowest.slice(id.length);
  if (id.length < 8 || !whole.test(from)) return undefined;
  const to = id + highest.slice(id.length);
  const { rows } = await db.query<R>(`${text} limit 2`, [from, to, ...more]);
  return rows.length === 1 ? rows[0] : undefined;
}
