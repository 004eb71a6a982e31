/** The store as activities use it: what it throws says that it was the store. */
import { AdapterError, StoreFault } from '../domain/errors.js';
import type { Store } from '../domain/store.js';

export function knownStore(store: Store): Store {
  return {
    kind: store.kind,
    put: (versionId, value) => known(store.put(versionId, value)),
    get: (versionId) => known(store.get(versionId)),
    destroy: (versionId) => known(store.destroy(versionId)),
  };
}

function known<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw error instanceof AdapterError ? new StoreFault(error) : error;
  });
}
