import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { inventoryPurpose, readInventory } from '../../infra/direct/inventory-file.js';
import { createKeyFile, readKeyFile, type Keys } from '../../infra/key-file.js';
import { keepInventory } from '../../workers/direct/keep-inventory.js';
import { eventually } from '../faults/installation.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';

describe('the inventory', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rotor-inventory-'));
  const stateFolder = join(folder, 'state');
  let database: TestDatabase;
  let keys: Keys;

  beforeAll(async () => {
    database = await openDatabase();
    createKeyFile(join(folder, 'keys.json'));
    keys = readKeyFile(join(folder, 'keys.json'));
  });
  afterAll(async () => {
    await database.close();
    rmSync(folder, { recursive: true });
  });

  test('that cannot be written is told once, with a code; it is written once it can be, and when something changes', async () => {
    const told: unknown[] = [];
    const { pool, ownerPool } = database;
    const warn = (message: string, about: unknown): number => told.push([message, about]);
    const loop = keepInventory({ pool, keys, stateFolder, warn, everyMs: 10 });
    const read = () => readInventory({ stateFolder, key: keys.derive(inventoryPurpose) });
    try {
      await eventually(() => Promise.resolve(told.length > 0));
      mkdirSync(stateFolder);
      await eventually(async () => read().secrets.length === 0);
      expect(statSync(join(stateFolder, 'inventory.ndjson')).mode & 0o777).toBe(0o600);
      await ownerPool.query(
        `with o as (insert into rotor.organizations (name) values ('acme') returning id),
           s as (insert into rotor.secrets (organization_id, name, owner, issuer, specification)
             select id, 'api', 'team', 'main', '{}' from o returning id)
         insert into rotor.audit_heads (chain_id, count, head, mac)
         select id, 1, decode(repeat('00', 32), 'hex'), decode('00', 'hex') from s`,
      );
      await eventually(async () => read().secrets.length === 1);
    } finally {
      await loop.stop();
    }
    expect(read().secrets).toMatchObject([{ name: 'api', versions: [], dependents: [] }]);
    expect(told).toEqual([['the inventory could not be written', { code: 'ENOENT' }]]);
  });

  test('stays as it was while the database is one that was set back', async () => {
    const { pool, ownerPool } = database;
    const look = async (): Promise<void> => {
      const loop = keepInventory({ pool, keys, stateFolder, warn: () => undefined, everyMs: 10 });
      await pause(200);
      await loop.stop();
    };
    const names = () =>
      readInventory({ stateFolder, key: keys.derive(inventoryPurpose) }).secrets.map(
        ({ name }) => name,
      );
    await ownerPool.query(`update rotor.installation set recovering = true`);
    await ownerPool.query(`update rotor.secrets set name = 'older'`);
    await look();
    expect(names()).toEqual(['api']);
    await ownerPool.query(`update rotor.installation set recovering = false`);
    await look();
    expect(names()).toEqual(['older']);
  });
});
