/** What a kind of place is: its options, and how it is opened. */
import type { z } from 'zod';
import type { Place } from '../domain/discover/place.js';
import type { Library } from '../domain/library.js';

export interface PlaceKind<O extends z.ZodType = z.ZodType> {
  /** The name of its folder. */
  readonly kind: string;
  /** Loaded when it is used, and installed by whoever uses it. */
  readonly libraries?: readonly Library[];
  readonly options: O;
  open(options: z.output<O>): Place;
}

/** Keeps the types of options and place together. */
export function placeKind<O extends z.ZodType>(definition: PlaceKind<O>): PlaceKind<O> {
  return definition;
}
