/** Brings the database to the schema that this release needs. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import pg from 'pg';
import Postgrator from 'postgrator';
import { packageRoot } from './package-root.js';

/** Chosen once at random: whoever migrates this database holds it until done. */
const advisoryLock = 7_203_117_469;

/**
 * Runs the missing migrations as the owner, all or none. Idempotent; a second caller waits for the first.
 * @param appPassword when given, the role `rotor_app` may log in, with this password; otherwise the URL's own user may become it
 * @param folder where the migrations lie
 */
export async function migrate(
  ownerUrl: string,
  appPassword: string | undefined,
  folder = join(packageRoot(), 'infra', 'migrations'),
): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1)', [advisoryLock]);
    await runMissing(client, folder);
    await openRole(client, appPassword);
    await client.query('commit');
  } finally {
    await client.end();
  }
}

async function runMissing(client: pg.Client, folder: string): Promise<void> {
  const postgrator = new Postgrator({
    driver: 'pg',
    migrationPattern: `${escapeGlob(folder)}/*.do.*.sql`,
    schemaTable: 'rotor_migrations',
    execQuery: (query) => client.query(query),
  });
  await postgrator.migrate();
}

/** A checkout may lie in a folder whose name holds what is a pattern to the library. */
function escapeGlob(path: string): string {
  return path.replace(/[?*()[\]{}]/g, '[$&]');
}

async function openRole(client: pg.Client, password: string | undefined): Promise<void> {
  const { rows } = await client.query<{ may: boolean }>(
    `select pg_has_role(current_user, oid, 'member') as may from pg_roles where rolname = 'rotor_app'`,
  );
  if (rows[0] === undefined) return;
  if (password !== undefined)
    await client.query(`alter role rotor_app login password '${verifier(password)}'`);
  else if (!rows[0].may) await client.query('grant rotor_app to current_user');
}

/**
 * What PostgreSQL stores for a password (SCRAM-SHA-256, RFC 5802 and 7677), computed here so that the password itself
 * never stands in a statement, which the server may log.
 */
function verifier(password: string): string {
  const rounds = 4096;
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password.normalize('NFKC'), salt, rounds, 32, 'sha256');
  const keyed = (text: string): Buffer => createHmac('sha256', salted).update(text).digest();
  const storedKey = createHash('sha256').update(keyed('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${String(rounds)}:${salt.toString('base64')}$${storedKey}:${keyed('Server Key').toString('base64')}`;
}
