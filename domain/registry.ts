/** The port to what is known: facts are read, decided upon and changed under the secret's row lock. */
import type { Decided } from './change.js';
import { RotorError } from './errors.js';
import type { Facts, RunOptions } from './facts.js';
import type { UseRecord } from './issuer.js';
import type { RecoveryBook } from './recovery.js';
import type { RunKind } from './run.js';
import type { SweepBook } from './sweep/book.js';

export interface WatchedSecret {
  readonly secretId: string;
  readonly name: string;
  readonly specification: Readonly<Record<string, unknown>>;
  /** Read from here on. */
  readonly since: Date;
}

/** What recorded use means for runs: whom to wake, and why. */
export interface UseNews {
  readonly secretId: string;
  readonly what: 'straggler' | 'new-user' | 'first-use' | 'revoked-use';
  /** `first-use`: which of the declared were seen with a version for the first time. */
  readonly dependencyIds?: readonly string[];
}

export interface SecretName {
  readonly organization: string;
  readonly secret: string;
}

export function noSuchSecret({ organization, secret }: SecretName): RotorError {
  return new RotorError('no-such-secret', `there is no secret ${organization}/${secret}`, {
    kind: 'missing',
    hint: 'rotor list shows what is declared',
  });
}

/** Whoever believes that something was contained must not be told so where nothing was. */
export function nothingMintedBefore(secret: string, leakedBefore: string): RotorError {
  const message = `nothing of ${secret} that lives was minted before ${leakedBefore}`;
  return new RotorError('nothing-in-scope', message, {
    kind: 'conflict',
    hint: `rotor show ${secret} shows which versions live`,
  });
}

export interface ImaginedRequest {
  readonly kind: RunKind;
  readonly options: RunOptions;
  readonly by: string;
}

export interface Adoption {
  readonly secretId: string;
  readonly versionId: string;
  readonly credentialId: string;
  readonly value: 'sealed' | 'unknown';
  readonly expiresAt: Date | undefined;
  readonly by: string;
}

export interface NewestLease {
  readonly generation: number;
  readonly versionId: string;
  /** False once its version is dead. */
  readonly deliverable: boolean;
  /** Somebody has said that a dependent of this destination is given no new value. */
  readonly withheld: boolean;
}

export interface Registry {
  /** Facts and findings of many secrets at once. */
  readonly sweeps: SweepBook;
  readonly recovery: RecoveryBook;
  /**
   * Reads the facts of the run's secret, decides, and applies the changes with their audit events: one
   * transaction. Throws `run-superseded` for a run that was taken over, which can do no harm any more, and
   * `run-over` for one that has ended by itself.
   * `dependencyId` also locks the destination of that dependency, before the secret.
   */
  decide<T>(
    runId: string,
    decision: (facts: Facts) => Decided<T>,
    options?: { readonly dependencyId?: string },
  ): Promise<T>;
  /** The same where no run is: what a run left behind, after its end. The facts' run is only thought of. */
  decideAlone<T>(secretId: string, decision: (facts: Facts) => Decided<T>): Promise<T>;
  /** The facts without a lock, for calls that only need to know. Throws `run-superseded` too. */
  read(runId: string): Promise<Facts>;
  /**
   * The newest lease of a destination, whoever asks: also a run that was superseded has to know that it
   * was overtaken.
   */
  newestLease(destinationId: string): Promise<NewestLease | undefined>;
  /** An overtaken delivery has ended, and what it left was put right: nobody waits for its deadline. */
  settleDelivery(destinationId: string, generation: number): Promise<void>;
  /** An attempt of a run that was taken over has ended: its mint was made, or will never be. */
  settleMint(effectId: string): Promise<void>;
  /** Copies what an issuer saw, without any lock on the secret. Repeating it changes nothing. */
  recordUse(reading: {
    readonly secretId: string;
    readonly record: UseRecord;
    /** What was asked for: without a gap of its own the record is continuous from here. */
    readonly since: Date;
  }): Promise<readonly UseNews[]>;
  /** Secrets of the issuer that are due to be read; those with open runs and monitored versions always. */
  watched(issuer: string): Promise<readonly WatchedSecret[]>;
  /** Disabled versions of the issuer whose lease is half over, with the runs that hold them. */
  dueLeases(
    issuer: string,
  ): Promise<readonly { readonly runId: string; readonly versionId: string }[]>;
  /** The facts of a secret as a run of that kind would find them; undefined where there is no such secret. */
  imagine(secret: SecretName, request: ImaginedRequest): Promise<Facts | undefined>;
  /** Makes a credential that is older than rotor a version; current where there is no other. */
  adopt(adoption: Adoption): Promise<{ readonly ordinal: number }>;
  /** Ends the monitoring of a version: true where findings were raised meanwhile. */
  endMonitoring(versionId: string): Promise<{ readonly until: Date; readonly findings: number }>;
}
