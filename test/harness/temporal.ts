/** The Temporal server that the whole test run shares. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { handed } from './environment.js';

export interface TestTemporal {
  readonly address: string;
  readonly namespace: string;
}

/** Give each test its own task queue and workflow ids: the namespace is everybody's. */
export function sharedTemporal(): TestTemporal {
  return { address: handed('ROTOR_TEST_TEMPORAL_ADDRESS'), namespace: 'default' };
}

/** A server that has just started takes up to half a minute before it works on schedules. */
export async function schedulesReady(): Promise<void> {
  const { address, namespace } = sharedTemporal();
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  const schedule = await client.schedule.create({
    scheduleId: `ready/${randomUUID()}`,
    spec: { calendars: [{ year: 2099 }] },
    action: { type: 'startWorkflow', workflowType: 'nothing', taskQueue: 'nobody' },
  });
  while (!(await schedule.describe().then(Boolean, () => false))) await pause(100);
  await schedule.delete();
  await connection.close();
}
