/** Connections to rotor's own database, with the limits that keep one stuck caller from holding up the rest. */
import pg from 'pg';

export type Queryable = Pick<pg.Pool | pg.PoolClient, 'query'>;

/** Waiting for a lock, or inside an open transaction: longer than this is a fault, not patience. */
const limits = '-c lock_timeout=2000 -c idle_in_transaction_session_timeout=2000';

/** Connects as the lesser role, also where the URL's own user could do more. */
export function openPool(url: string, size = 10, name = 'rotor'): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: size,
    application_name: name,
    options: `${limits} -c role=rotor_app`,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 15_000,
  });
  // A connection that breaks while idle is replaced; whoever asks next sees a failure that lasts.
  pool.on('error', () => undefined);
  return pool;
}

export async function inTransaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
  /** How it begins: with locks that are taken in the same round trip, for example. */
  begin = 'begin',
): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query(begin);
    const result = await work(client);
    await client.query('commit');
    client.release();
    return result;
  } catch (error) {
    await leave(client);
    throw error;
  }
}

async function leave(client: pg.PoolClient): Promise<void> {
  try {
    await client.query('rollback');
    client.release();
  } catch {
    client.release(true);
  }
}
