/** The port to places where a value may lie that nobody declared. They are read, and never written. */

/** How a dependency would declare the place: rotor could then write there. */
export interface Declarable {
  readonly connector: string;
  readonly destination: Readonly<Record<string, unknown>>;
}

export interface Spot {
  /** Spelled as the connector for such a place spells it, so that a declared one is known again. */
  readonly identity: string;
  /** Finer than that, for people: a line, a process id. */
  readonly detail?: string;
  /** The name of the variable, where the value is in one. */
  readonly variable?: string;
  /** Absent where rotor cannot write there. */
  readonly declare?: Declarable;
}

export interface Looking {
  /** Aborts when the time is over: what is left then was passed over. */
  readonly signal: AbortSignal;
  /** Waited for, so that many texts do not hold up the process. The text is kept nowhere. */
  met(spot: Spot, text: string): Promise<void>;
  /** `where` begins the identities of what was not looked at. */
  passedOver(where: string, why: string): void;
}

/** Looking may be repeated. What cannot be read is passed over; AdapterError where nothing of it can. */
export interface Place {
  /** For people: `folder /etc/app`. */
  readonly name: string;
  /** Begins the identities of all that lies there. */
  readonly covers: string;
  /** Whether it can be looked at, cheaply: no value is read. AdapterError where it cannot. */
  check(signal: AbortSignal): Promise<string>;
  /** Answers with how much was looked at, such as `12 files`. */
  look(looking: Looking): Promise<string>;
}

/** A destination that rotor knows, whoever it is for. */
export interface KnownDestination {
  readonly destinationId: string;
  readonly connector: string;
  readonly identity: string;
  readonly address: Readonly<Record<string, unknown>>;
  /** Who has it, as `organization/secret (dependent)`. */
  readonly users: readonly string[];
  /** All of them are of these. */
  readonly organizations: readonly string[];
}

/** Which version of a secret a text is; undefined: none. */
export type Recognize = (text: string) => string | undefined;

export interface Discovery {
  /** By keyed fingerprint: no value is opened. With the versions that have none. */
  recognizer(secretId: string): Promise<{
    readonly recognize: Recognize;
    readonly known: ReadonlySet<string>;
  }>;
  /** Opened when they are asked for. */
  places(): readonly Place[];
  /** Of people's own places nothing is read: they are not among them. The first so many, by their id. */
  destinations(limit: number): Promise<readonly KnownDestination[]>;
}
