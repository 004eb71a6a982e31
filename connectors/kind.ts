/** What a kind of connector is: its options, the address of a destination, and how it is opened. */
import type { z } from 'zod';
import type { Connector } from '../domain/connector.js';

export interface ConnectorKind<O extends z.ZodType = z.ZodType, A extends z.ZodType = z.ZodType> {
  /** The name of its folder. */
  readonly kind: string;
  readonly options: O;
  readonly address: A;
  /** The same for every way of spelling the same place. Throws AdapterError where the place is not allowed. */
  identity(address: z.output<A>, options: z.output<O>): string;
  open(options: z.output<O>): Connector;
}

/** Keeps the types of options and address together. */
export function connectorKind<O extends z.ZodType, A extends z.ZodType>(
  definition: ConnectorKind<O, A>,
): ConnectorKind<O, A> {
  return definition;
}
