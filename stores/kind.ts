/** What a kind of store is: its options, what tells one place of it from another, and how it is opened. */
import type { z } from 'zod';
import type { Store } from '../domain/store.js';
import type { Database, SealedKey } from './database.js';

/** What rotor has already: a store that needs neither takes neither. */
export interface StoreContext {
  readonly database: Database;
  /** As they are now: the first seals, all of them open. */
  keys(): readonly [SealedKey, ...SealedKey[]];
}

export interface StoreKind<O extends z.ZodType = z.ZodType> {
  /** The name of its folder. */
  readonly kind: string;
  readonly options: O;
  /** On record for each value that lies there: options that lead to the same place give the same. */
  place(options: z.output<O>): string;
  open(options: z.output<O>, context: StoreContext): Store;
}

/** Keeps the type of the options together. */
export function storeKind<O extends z.ZodType>(definition: StoreKind<O>): StoreKind<O> {
  return definition;
}
