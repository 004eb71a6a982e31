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
    // Statements that do not wait for each other's answers leave together: a transaction is few round trips.
    pipeline: true,
  });
  // A connection that breaks while idle is replaced; whoever asks next sees a failure that lasts.
  pool.on('error', () => undefined);
  // Told to the one that uses the connection, too: without a listener, it would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

type Begin<B> = (client: pg.PoolClient) => Promise<B>;

const onlyBegin: Begin<unknown> = (client) => client.query('begin');

/**
 * `begin` sends more than the word where the work needs it: locks, and a first reading, in the same round
 * trip. Nothing else is sent before all of that was answered.
 */
export async function inTransaction<T, B = unknown>(
  pool: pg.Pool,
  work: (client: pg.PoolClient, begun: B) => Promise<T>,
  begin: Begin<B> = onlyBegin as Begin<B>,
): Promise<T> {
  const client = await pool.connect();
  try {
    const result = await work(client, await begin(client));
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
