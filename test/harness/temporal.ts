/** The Temporal server that the whole test run shares. */
import { handed } from './environment.js';

export interface TestTemporal {
  readonly address: string;
  readonly namespace: string;
}

/** Give each test its own task queue and workflow ids: the namespace is everybody's. */
export function sharedTemporal(): TestTemporal {
  return { address: handed('ROTOR_TEST_TEMPORAL_ADDRESS'), namespace: 'default' };
}
