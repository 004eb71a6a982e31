/** Jest's global teardown. */
import { running } from './running.js';

// The runner asks for a default export.
export { stop as default };

async function stop(): Promise<void> {
  await running.stop();
}
