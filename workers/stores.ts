/** The stores of an installation, opened from its settings: one for new values, and those where older ones may lie. */
import { RotorError } from '../domain/errors.js';
import type { Store } from '../domain/store.js';
import { placedStore, placesInUse, type Placed } from '../infra/registry/value-places.js';
import type { Queryable } from '../infra/postgres.js';
import { storeKinds } from '../stores/index.js';
import type { StoreContext } from '../stores/kind.js';
import type { ConfiguredInstance } from '../schemas/configuration.js';
import { openSealedStore } from '../stores/sealed/index.js';
import { notConfigured } from './not-configured.js';
import type { Settings } from './settings.js';

export interface Stores extends Store {
  /** Undefined: new values go into rotor's own database. */
  readonly chosen: Placed | undefined;
  isConfigured(place: string): boolean;
}

export interface StoresContext extends StoreContext {
  readonly pool: Queryable;
}

export function openStores({ configuration }: Settings, context: StoresContext): Stores {
  const at = (one: ConfiguredInstance): Placed => placed(one, context);
  const chosen = configuration.store.kind === 'sealed' ? undefined : at(configuration.store);
  const former = new Map(
    configuration.formerStores.map(at).map(({ place, store }) => [place, store]),
  );
  const store = placedStore({
    pool: context.pool,
    sealed: openSealedStore(context),
    chosen,
    formerAt: (place) => former.get(place),
  });
  return {
    ...store,
    chosen,
    isConfigured: (place) => place === chosen?.place || former.has(place),
  };
}

function placed({ kind: name, options }: ConfiguredInstance, context: StoreContext): Placed {
  const kind = storeKinds.find((one) => one.kind === name);
  if (kind === undefined) throw notConfigured('store', name);
  return {
    place: kind.place(options as never),
    store: kind.open(options as never, context),
  };
}

interface Looked {
  readonly pool: Queryable;
  readonly store: Stores;
  newId(): string;
}

/** Each place where values lie is asked for one of them; that of new values for one that nobody has. */
export async function lookAtStores({ pool, store, newId }: Looked): Promise<string> {
  const inUse = await placesInUse(pool);
  const told = inUse.map(({ place, values }) => `${values} values lie in ${place}`);
  const unnamed = told.filter((_, index) => !store.isConfigured(inUse[index]?.place ?? ''));
  if (unnamed.length > 0)
    throw new RotorError('store-not-configured', `not in rotor.yaml: ${unnamed.join('; ')}`, {
      kind: 'failed',
      hint: 'list it under formerStores until its values are rotated away',
    });
  await store.chosen?.store.get(newId());
  for (const { one } of inUse) await store.get(one);
  return [`new values go into ${store.chosen?.place ?? 'sealed'}`, ...told].join('; ');
}
