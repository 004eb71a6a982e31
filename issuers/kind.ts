/** What a kind of issuer is: its options, the specification of its secrets, and how an instance is opened. */
import type { z } from 'zod';
import type { Issuer, IssuerTraits } from '../domain/issuer.js';
import type { Library } from '../domain/library.js';
import type { Tested } from '../domain/tested.js';

export interface IssuerContext {
  /** Tags are `installationId/versionId`: others' tags are not ours to touch. */
  readonly installationId: string;
  /** Keyed: tells nothing of the text to whoever lacks rotor's keys, and stays the same. 32 hex digits. */
  fingerprint(text: string): string;
}

export interface Variant {
  /** Ends a sentence: "with an audit device". */
  readonly as: string;
  readonly traits: IssuerTraits;
}

export interface IssuerKind<O extends z.ZodType = z.ZodType, S extends z.ZodType = z.ZodType> {
  /** The name of its folder. */
  readonly kind: string;
  /** Loaded when an instance is used, and installed by whoever uses one. */
  readonly libraries?: readonly Library[];
  readonly options: O;
  readonly specification: S;
  /**
   * Whose credentials they are, in words: a specification may change while versions live, this may not.
   * Two specifications that name the same place to look for a credential give the same text.
   */
  principal(specification: z.output<S>): string;
  /** Those of an instance with these options, before it is opened. */
  traits(options: z.output<O>): IssuerTraits;
  /** The traits that people choose between by options, each in words; none where they are always the same. */
  readonly variants?: readonly Variant[];
  readonly tested: Tested;
  /** By which an instance can be asked for its list where no secret of it is declared yet. */
  readonly probe?: z.output<S>;
  open(options: z.output<O>, context: IssuerContext): Issuer;
}

/** Keeps the types of options and specification together. */
export function issuerKind<O extends z.ZodType, S extends z.ZodType>(
  definition: IssuerKind<O, S>,
): IssuerKind<O, S> {
  return definition;
}
