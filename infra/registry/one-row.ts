/** Writes that are about one row, which has to be as it was read. */
import type { Queryable } from '../postgres.js';

/** A move that another hand made first: what was read is no longer so. */
export class ChangedMeanwhile extends Error {}

/** Throws `ChangedMeanwhile` where it is another number of rows. */
export async function one(db: Queryable, text: string, values: readonly unknown[]): Promise<void> {
  const { rowCount } = await db.query(text, [...values]);
  if (rowCount !== 1) throw new ChangedMeanwhile('the row is no longer as it was read');
}
