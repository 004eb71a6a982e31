/** The smallest world an engine can run in: a store and destinations that live in this process. */
import type { Connector } from '../../domain/connector.js';
import { AdapterError } from '../../domain/errors.js';
import { SecretValue } from '../../domain/secret-value.js';
import type { Store } from '../../domain/store.js';

export function memoryStore(): Store & { readonly values: Map<string, string> } {
  const values = new Map<string, string>();
  return {
    kind: 'memory',
    values,
    put: (versionId, value) => {
      const sealed = values.get(versionId);
      if (sealed !== undefined && sealed !== value.reveal())
        return Promise.reject(new AdapterError('refused', 'another value is sealed'));
      values.set(versionId, value.reveal());
      return Promise.resolve();
    },
    get: (versionId) => {
      const value = values.get(versionId);
      return Promise.resolve(value === undefined ? undefined : new SecretValue(value));
    },
    destroy: (versionId) => {
      values.delete(versionId);
      return Promise.resolve();
    },
  };
}

/** Destinations are entries of a map, by their identity. */
export function memoryConnector(): Connector & { readonly places: Map<string, string> } {
  const places = new Map<string, string>();
  return {
    kind: 'memory',
    places,
    traits: () => ({ holdsSeveral: false, evidence: 'read-back' }),
    deliver: ({ destination, version }) => {
      places.set(destination.identity, version.value.reveal());
      return Promise.resolve();
    },
    held: (destination, known) => {
      const value = places.get(destination.identity);
      const match = known.find((entry) => entry.value.reveal() === value);
      return Promise.resolve({
        versionIds: match === undefined ? [] : [match.versionId],
        unknown: value === undefined || match !== undefined ? [] : [new SecretValue(value)],
        attests: undefined,
      });
    },
    forget: () => Promise.resolve(),
    withdraw: ({ destination, version }) => {
      if (places.get(destination.identity) === version.value.reveal())
        places.delete(destination.identity);
      return Promise.resolve();
    },
  };
}
