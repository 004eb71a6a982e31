import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { startServers } from '../../infra/embedded/servers.js';
import { migrate } from '../../infra/migrate.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';
import { sharedTemporal } from '../harness/temporal.js';

describe('migrate', () => {
  let database: TestDatabase;
  let folder: string;

  beforeEach(async () => {
    database = await openDatabase();
    // A name that holds what is a pattern to the library that looks for the files.
    folder = join(
      mkdtempSync(join(tmpdir(), `rotor-test-${String(process.pid)}-`)),
      'a [b] {c} (d)',
    );
    mkdirSync(folder);
    await database.ownerPool.query('drop table rotor_migrations');
  });
  afterEach(async () => {
    rmSync(join(folder, '..'), { recursive: true });
    await database.close();
  });

  function write(name: string, sql: string): void {
    writeFileSync(join(folder, name), sql);
  }

  async function exists(table: string): Promise<boolean> {
    const { rows } = await database.ownerPool.query<{ found: string | null }>(
      'select to_regclass($1) as found',
      [table],
    );
    return rows[0]?.found === table;
  }

  test('runs what is missing, once, also when two run at once', async () => {
    write('001.do.first.sql', 'select pg_sleep(0.2); create table first ();');
    await Promise.all([
      migrate(database.ownerUrl, undefined, folder),
      migrate(database.ownerUrl, undefined, folder),
    ]);
    write('002.do.second.sql', 'create table second ();');
    await migrate(database.ownerUrl, undefined, folder);
    expect(await exists('second')).toBe(true);
  });

  test('leaves nothing behind when one fails', async () => {
    write('001.do.first.sql', 'create table first ();');
    write('002.do.second.sql', 'create table second (); select nonsense;');
    await expect(migrate(database.ownerUrl, undefined, folder)).rejects.toThrow('nonsense');
    expect(await exists('first')).toBe(false);
    expect(await exists('rotor_migrations')).toBe(false);
  });

  test('refuses a migration that was changed after it ran', async () => {
    write('001.do.first.sql', 'create table first ();');
    await migrate(database.ownerUrl, undefined, folder);
    write('001.do.first.sql', 'create table another ();');
    await expect(migrate(database.ownerUrl, undefined, folder)).rejects.toThrow('checksum');
  });

  test('the migrations of the package bring an empty database to the same schema, for an owner who is no superuser', async () => {
    await database.ownerPool.query(`
      do $$ begin create role ordinary_owner login createrole password 'ordinary'; exception when duplicate_object then null; end $$`);
    const name = `own_${String(process.pid)}`;
    await database.ownerPool.query(`create database ${name} owner ordinary_owner`);
    const url = new URL(database.ownerUrl);
    url.pathname = `/${name}`;
    url.username = 'ordinary_owner';
    url.password = 'ordinary';
    // The role exists in the shared cluster already: the superuser lets the owner hand it on, as if the owner had created it.
    await database.ownerPool.query('grant rotor_app to ordinary_owner with admin option');
    try {
      const { temporalAddress, ...servers } = await startServers({
        stateFolder: folder,
        durable: false,
        databaseUrl: url.href,
        temporal: { address: sharedTemporal().address },
      });
      expect(temporalAddress).toBe(sharedTemporal().address);
      expect(servers.databaseOwnerUrl).toBe(url.href);
      expect(servers.postgresLog).toBeUndefined();
      const client = new pg.Client({
        connectionString: servers.databaseUrl,
        options: '-c role=rotor_app',
      });
      await client.connect();
      const { rows } = await client.query(
        'select count(*)::int as installations from rotor.installation',
      );
      await client.end();
      expect(rows).toEqual([{ installations: 1 }]);
      await servers.stop();
    } finally {
      await database.ownerPool.query(`drop database ${name} with (force)`);
      await database.ownerPool.query(
        'revoke rotor_app from ordinary_owner; drop role ordinary_owner',
      );
    }
  });
});
