/** What a kind of connector is: its options, the address of a destination, and how it is opened. */
import type { z } from 'zod';
import type { Assignment, Connector } from '../domain/connector.js';
import type { Library } from '../domain/library.js';
import type { Tested } from '../domain/tested.js';

interface Kind<O extends z.ZodType, A extends z.ZodType> {
  /** The name of its folder. */
  readonly kind: string;
  /** Loaded when it is used, and installed by whoever uses it. */
  readonly libraries?: readonly Library[];
  readonly options: O;
  readonly address: A;
  /** The same for every way of spelling the same place. Throws AdapterError where the place is not allowed. */
  identity(address: z.output<A>, options: z.output<O>): string;
  /** Where it writes to somebody else's system. */
  readonly tested?: Tested;
}

export interface ConnectorKind<
  O extends z.ZodType = z.ZodType,
  A extends z.ZodType = z.ZodType,
> extends Kind<O, A> {
  open(options: z.output<O>): Connector;
}

/** Nothing is written or read: a person does it, and is asked by a task. */
export interface AskingKind<
  O extends z.ZodType = z.ZodType,
  A extends z.ZodType = z.ZodType,
> extends Kind<O, A> {
  assignment(address: z.output<A>): Assignment;
}

/** Keeps the types of options and address together. */
export function connectorKind<O extends z.ZodType, A extends z.ZodType>(
  definition: ConnectorKind<O, A>,
): ConnectorKind<O, A> {
  return definition;
}

export function askingKind<O extends z.ZodType, A extends z.ZodType>(
  definition: AskingKind<O, A>,
): AskingKind<O, A> {
  return definition;
}
