/** Work that one process does at a time, however many want to. */
import type pg from 'pg';

/** Undefined where another one is at it. The lock is the session's: it goes when the process does. */
export async function oneAtATime<T>(
  pool: pg.Pool,
  name: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  const client = await pool.connect();
  let isHeld = false;
  try {
    const { rows } = await client.query<{ got: boolean }>(
      'select pg_try_advisory_lock(hashtext($1)) as got',
      [name],
    );
    isHeld = rows[0]?.got === true;
    return isHeld ? await work() : undefined;
  } finally {
    // A connection that cannot give the lock back is closed, and gives it back so.
    const released = isHeld
      ? await client.query('select pg_advisory_unlock(hashtext($1))', [name]).then(
          () => true,
          () => false,
        )
      : true;
    client.release(!released);
  }
}
