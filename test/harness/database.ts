/** A database of a test's own: a copy of the migrated one, on the PostgreSQL server that the whole test run shares. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { openPool } from '../../infra/postgres.js';
import { handed } from './environment.js';

export interface TestDatabase {
  /** Logs in as rotor_app. */
  readonly url: string;
  readonly ownerUrl: string;
  readonly pool: pg.Pool;
  readonly ownerPool: pg.Pool;
  /** Ends the pools and drops the database, whoever is still connected. */
  close(): Promise<void>;
}

/** Takes about 50 ms; call close() after the test. */
export async function openDatabase(): Promise<TestDatabase> {
  const serverUrl = handed('ROTOR_TEST_DATABASE_OWNER_URL');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asOwner(inDatabase(serverUrl, 'postgres'), `create database ${name} template rotor`);
  const url = inDatabase(handed('ROTOR_TEST_DATABASE_URL'), name);
  const ownerUrl = inDatabase(serverUrl, name);
  const pool = openPool(url, 5);
  const ownerPool = new pg.Pool({ connectionString: ownerUrl, max: 3 });
  ownerPool.on('error', () => undefined);
  return {
    url,
    ownerUrl,
    pool,
    ownerPool,
    async close() {
      await Promise.all([pool.end(), ownerPool.end()]);
      await asOwner(inDatabase(serverUrl, 'postgres'), `drop database ${name} with (force)`);
    },
  };
}

function inDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

async function asOwner(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
