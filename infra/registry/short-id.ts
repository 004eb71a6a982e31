/** Ids as people type them: whole, or their first eight characters where those are enough. */
import type { Queryable } from '../postgres.js';

/** `text` asks for ids that begin with `$1`; undefined where none does, or several do. */
export async function findByShortId<R extends object>(
  db: Queryable,
  text: string,
  [id, ...more]: readonly [string, ...unknown[]],
): Promise<R | undefined> {
  if (!/^[0-9a-f-]{8,36}$/.test(id)) return undefined;
  const { rows } = await db.query<R>(`${text} limit 2`, [id, ...more]);
  return rows.length === 1 ? rows[0] : undefined;
}
