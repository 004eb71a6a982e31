import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Connection } from '@temporalio/client';
import { openDatabase, type TestDatabase } from '../harness/database.js';
import { sharedTemporal } from '../harness/temporal.js';

describe('the servers that tests share', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openDatabase();
  });
  afterAll(async () => {
    await database.close();
  });

  test('a test has a migrated database of its own, as the lesser role', async () => {
    const { rows } = await database.pool.query<{ role: string; installations: number }>(
      'select current_user as role, (select count(*)::int from rotor.installation) as installations',
    );
    expect(rows).toEqual([{ role: 'rotor_app', installations: 1 }]);
    const other = await openDatabase();
    try {
      await database.ownerPool.query('create table only_here ()');
      const found = await other.ownerPool.query(`select to_regclass('only_here') as found`);
      expect(found.rows).toEqual([{ found: null }]);
    } finally {
      await other.close();
    }
  });

  test('the lesser role cannot change the schema', async () => {
    await expect(database.pool.query('drop table rotor.audit')).rejects.toThrow('must be owner');
  });

  test('Temporal answers, with the search attributes registered and histories kept for 30 days', async () => {
    const { address, namespace } = sharedTemporal();
    const connection = await Connection.connect({ address });
    try {
      const { config } = await connection.workflowService.describeNamespace({ namespace });
      expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(30 * 24 * 60 * 60);
      const { customAttributes } = await connection.operatorService.listSearchAttributes({
        namespace,
      });
      expect(Object.keys(customAttributes ?? {})).toEqual(
        expect.arrayContaining([
          'RotorSecret',
          'RotorOrganization',
          'RotorStep',
          'RotorOutcome',
          'RotorOwner',
        ]),
      );
    } finally {
      await connection.close();
    }
  });
});
