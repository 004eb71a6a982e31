/** For a store that needs nothing of rotor's: whatever it asks for is not there. */
import type { StoreContext } from '../../stores/kind.js';

const nothing = (): never => {
  throw new Error('this store has a place of its own');
};

export const noContext: StoreContext = { database: { query: nothing }, keys: nothing };
