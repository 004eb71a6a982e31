import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { prepareNamespace } from '../../infra/temporal-namespace.js';
import { sharedTemporal } from '../harness/temporal.js';

const day = 24 * 60 * 60;

describe('prepareNamespace', () => {
  let connection: Connection;
  beforeAll(async () => {
    connection = await Connection.connect({ address: sharedTemporal().address });
  });
  afterAll(async () => {
    await connection.close();
  });

  async function newNamespace(retentionDays: number): Promise<string> {
    const namespace = `test-${randomBytes(4).toString('hex')}`;
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs(retentionDays * day * 1000),
    });
    return namespace;
  }

  async function retentionOf(namespace: string): Promise<number> {
    const { config } = await connection.workflowService.describeNamespace({ namespace });
    return Number(config?.workflowExecutionRetentionTtl?.seconds);
  }

  test('raises a retention that is too short, and adds the search attributes; two at once are fine', async () => {
    const namespace = await newNamespace(1);
    await Promise.all([
      prepareNamespace(connection, namespace),
      prepareNamespace(connection, namespace),
    ]);
    await prepareNamespace(connection, namespace);
    expect(await retentionOf(namespace)).toBe(30 * day);
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace,
    });
    expect(customAttributes).toMatchObject({ RotorSecret: 2, RotorOwner: 2 });
  });

  test('leaves a longer retention alone', async () => {
    const namespace = await newNamespace(90);
    await prepareNamespace(connection, namespace);
    expect(await retentionOf(namespace)).toBe(90 * day);
  });

  test('creates a namespace that is missing', async () => {
    const namespace = `test-${randomBytes(4).toString('hex')}`;
    await prepareNamespace(connection, namespace);
    expect(await retentionOf(namespace)).toBe(30 * day);
  });

  test('says what to do by hand where the cluster refuses', async () => {
    await expect(prepareNamespace(connection, 'n'.repeat(2_000))).rejects.toThrow(
      /by hand it needs a retention of 30 days/,
    );
  });
});
