/** The port to systems that make and kill credentials, and the words they are described with. */
import type { SecretValue } from './secret-value.js';

export type Overlap =
  | { readonly kind: 'many' }
  | { readonly kind: 'slots'; readonly slots: number }
  /** A further mint kills the oldest: it is a revocation, and needs the grant of one. */
  | { readonly kind: 'displaces-oldest'; readonly slots: number }
  /** One value at a time, replaced in place. */
  | { readonly kind: 'none' };

/** `exact`: every use; `last-used`: the last moment only; `sampled`: some uses; `absent`: none. */
export type UseRecordKind = 'exact' | 'last-used' | 'sampled' | 'absent';

export interface IssuerTraits {
  readonly overlap: Overlap;
  readonly valueChosenBy: 'ours' | 'theirs';
  readonly tag: 'place' | 'none';
  readonly disable: 'expires' | 'manual' | 'none';
  /** Attempts with a disabled or revoked credential appear in the record of use. */
  readonly seesRefusals: boolean;
  readonly useRecord: UseRecordKind;
  /** The record tells rotor's marked probes from anybody's use, refused ones too. */
  readonly tellsProbesApart: boolean;
  /** A credential can be read back once it was made. */
  readonly lists: boolean;
  /** How long until a change is effective, and a listing complete, everywhere. */
  readonly propagationMs: number;
  /** What may go on after a revoke, and for how long at most. */
  readonly outlives: 'nothing' | 'tokens' | 'sessions';
  readonly outlivesMs: number;
  /** `openUse` names what this credential opened; otherwise it is all that the principal has open. */
  readonly tellsOpenUseApart: boolean;
  readonly longestValidityMs: number | undefined;
  /** So many refused logins, whoever they are of, and every login is refused for a while. */
  readonly lockout?: { readonly refusals: number; readonly forMs: number };
}

/** What a listed credential says about who made it: this installation, another one, or nobody we know. */
export type TagReading =
  | { readonly kind: 'ours'; readonly versionId: string }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'none' };

export interface Credential {
  readonly credentialId: string;
  readonly tag: TagReading;
  readonly createdAt: Date | undefined;
  readonly expiresAt: Date | undefined;
  readonly disabled: boolean;
  /** Rights as the issuer reports them; compared with the secret's specification. */
  readonly rights: Readonly<Record<string, string>>;
}

/** The slot at the issuer: which principal, and with which rights. Holds no value. */
export interface IssuedSecret {
  readonly secretId: string;
  /** `organization/name`, for labels that people read at the issuer. */
  readonly name: string;
  readonly specification: Readonly<Record<string, unknown>>;
}

export interface MintRequest {
  readonly secret: IssuedSecret;
  readonly versionId: string;
  readonly tag: string;
  /** Present where the value is ours. It is sealed already. */
  readonly value?: SecretValue;
  readonly expiresAt: Date | undefined;
}

export interface Minted {
  readonly credentialId: string;
  /** Present where the value is theirs: shown once. */
  readonly value?: SecretValue;
  readonly expiresAt?: Date;
}

export interface CredentialRef {
  readonly secret: IssuedSecret;
  readonly versionId: string;
  readonly credentialId: string;
  /** The tag that the credential must carry, undefined for adopted ones: they carry none of ours. */
  readonly tag: string | undefined;
}

export interface UseSource {
  readonly address?: string;
  readonly userAgent?: string;
  /** A name the issuer knows the source by: a token name, a database application name. */
  readonly name?: string;
}

export type UseOutcome = 'accepted' | 'refused';

/** Uses of one credential by one source with one outcome, in one minute. */
export interface ObservedUse {
  readonly credentialId: string;
  /** Where one that is gone is known by its tag alone: `credentialId` is then nobody's. */
  readonly versionId?: string;
  readonly source: UseSource;
  readonly outcome: UseOutcome;
  readonly minute: Date;
  readonly lastAt: Date;
  readonly count: number;
}

export interface UseRecord {
  readonly kind: UseRecordKind;
  /** Nothing that happened up to here is missing; by the issuer's clock. */
  readonly completeThrough: Date;
  /** No gap since here; undefined: no gap since `since`. A gap restarts the quiet time. */
  readonly continuousSince: Date | undefined;
  readonly resolutionMs: number;
  /** The issuer's clock when it answered: its skew is measured, not assumed. */
  readonly issuerNow: Date;
  /** rotor's own marked probes are left out. */
  readonly uses: readonly ObservedUse[];
}

/** Something that a credential opened and that goes on by itself: a token, a database session. */
export interface OpenUse {
  readonly kind: 'token' | 'session';
  readonly id: string;
  readonly source: UseSource;
  readonly since: Date;
}

/** A one-time mark by which the issuer tells rotor's own probe from use. */
export type ProbeMark = string;

/**
 * Every method may be repeated with the same arguments; `versionId` is the idempotency key.
 * All throw AdapterError with a code, never a provider's own text.
 */
export interface Issuer {
  readonly kind: string;
  readonly traits: IssuerTraits;
  /** Whether the system is there, and what this instance was declared to be: for who asks how rotor is. */
  check?(): Promise<void>;
  /**
   * Makes one credential that carries the tag. Not blindly repeatable where the value is theirs: the
   * caller lists first.
   */
  mint(request: MintRequest): Promise<Minted>;
  /** One login with the value. Throws CredentialRefused when the issuer says no. */
  verify(credential: CredentialRef, value: SecretValue, probe: ProbeMark): Promise<void>;
  /** Permanent. Checks the tag first (`not-ours`); already gone is success, found by reading back. */
  revoke(credential: CredentialRef): Promise<void>;
  /** All live credentials of the principal, whoever made them. */
  list(secret: IssuedSecret): Promise<readonly Credential[]>;
  /** Refuses the credential until then by the issuer's own clock, or until `enable`. Repeating it extends the time. */
  disable?(credential: CredentialRef, until: Date): Promise<void>;
  /** Gone already is success: it is found gone by whoever lists. */
  enable?(credential: CredentialRef): Promise<void>;
  /** Uses since then, of all credentials of the principal. */
  observedUse?(secret: IssuedSecret, since: Date): Promise<UseRecord>;
  /** What the credential opened and what still goes on. */
  openUse?(credential: CredentialRef): Promise<readonly OpenUse[]>;
  /** `openedBefore`: where it is not told apart, what was opened later is another credential's, and goes on. */
  endOpenUse?(credential: CredentialRef, openedBefore?: Date): Promise<void>;
}
