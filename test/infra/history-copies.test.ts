import { expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { sharedTemporal } from '../harness/temporal.js';

// Two copies of protobufjs in the tree break exactly this, and with it every replay test.
test('a recorded history goes to JSON and back unchanged', async () => {
  const connection = await Connection.connect({ address: sharedTemporal().address });
  try {
    const client = new Client({ connection });
    const workflowId = `history-${String(process.pid)}`;
    const handle = await client.workflow.start('never', {
      workflowId,
      taskQueue: workflowId,
      args: [{ a: 1 }],
    });
    await handle.terminate('recorded');
    const recorded = historyToJSON(await handle.fetchHistory());
    expect(recorded).toContain('EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED');
    expect(historyToJSON(historyFromJSON(JSON.parse(recorded)))).toBe(recorded);
  } finally {
    await connection.close();
  }
});
