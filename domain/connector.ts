/** The port to the places that values are written to: how a value reaches a dependent, and how it proves that it is used. */
import type { SecretValue } from './secret-value.js';

/** A place a connector writes; `identity` is the same for every way of spelling the same place. */
export interface Destination {
  readonly destinationId: string;
  readonly identity: string;
  readonly address: Readonly<Record<string, unknown>>;
}

/** A value with the version it belongs to; a destination is read by comparing with these. */
export interface KnownValue {
  readonly versionId: string;
  readonly value: SecretValue;
}

export interface HeldVersions {
  /** Ids of the known versions that the destination holds, in its order. */
  readonly versionIds: readonly string[];
  /** Entries that are none of the known values. They leave the connector only to be sealed. */
  readonly unknown: readonly SecretValue[];
  /** `attested`: the dependent itself says that it uses this version now. */
  readonly attests: string | undefined;
  /** What is read there is empty, and these stand in its past alone: none of them was delivered now. */
  readonly onlyPast?: boolean;
}

export interface Delivery {
  readonly destination: Destination;
  readonly version: KnownValue;
  /** The values rotor knows for the secret, so that a list can tell its own entries from unknown ones. */
  readonly known: readonly KnownValue[];
  readonly signal: AbortSignal;
}

export interface ConnectorTraits {
  /** A list holds several values at once: new before old, the old removed once the new is proven. */
  readonly holdsSeveral: boolean;
  /** The strongest evidence that this destination can give by itself. */
  readonly evidence: 'read-back' | 'attested';
}

/** A place that a person writes: they are asked by a task, and nobody reads it back. */
export interface Assignment {
  readonly assignee: string;
  readonly instructions: string;
  readonly dueWithinMs: number;
  readonly remindEveryMs: number;
  /** Who is told once it is due; undefined: the owner of the dependency. */
  readonly escalateTo?: string | undefined;
  /** The place keeps an old value beside the new one: that the old one goes is a task, too. */
  readonly holdsSeveral: boolean;
}

/** Every method may be repeated. All throw AdapterError with a code, never a text that may hold a value. */
export interface Connector {
  readonly kind: string;
  traits(destination: Destination): ConnectorTraits;
  /** Afterwards the destination holds the version; a list keeps unknown entries and puts the new one first. */
  deliver(delivery: Delivery): Promise<void>;
  /** Throws `unreadable` where it cannot be known. */
  held(destination: Destination, known: readonly KnownValue[]): Promise<HeldVersions>;
  /** Removes one version's value from a list. Absent is fine; the only value left stays. */
  forget(delivery: Delivery): Promise<void>;
  /**
   * The version is over and nothing follows: its value goes from the place, which stays, empty.
   * Absent is fine, and so is a place that holds another value: that one stays.
   */
  withdraw(delivery: Delivery): Promise<void>;
  /** Causes one real use: starts the pipeline, calls the health route. */
  exercise?(destination: Destination, signal: AbortSignal): Promise<void>;
}
