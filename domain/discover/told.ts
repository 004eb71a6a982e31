/** What a discovery answers with. It holds no value, so it may be anywhere. */
import type { Declarable } from './place.js';
import type { Severity } from '../finding.js';
import type { VersionState } from '../version.js';

export interface DiscoveryOrder {
  readonly organization: string;
  readonly secret: string;
}

export interface Copy {
  /** `v3`. */
  readonly version: string;
  readonly state: VersionState;
  readonly current: boolean;
  readonly revokedAt?: Date | undefined;
  /** The identity of the place. */
  readonly where: string;
  readonly detail?: string | undefined;
  /** Whose place it is, where that is declared for this secret. */
  readonly declared?: string | undefined;
  /** For which other secrets the place is declared. */
  readonly declaredFor: readonly string[];
  /** Whose organizations those are: undefined where it is nobody's. */
  readonly organizations?: readonly string[] | undefined;
  /** A declared dependent that may explain it: it names, and excuses nothing. */
  readonly likely?: string | undefined;
  /** How bad it is, where nobody declared it and the version lives. */
  readonly severity?: Severity | undefined;
  readonly todo: string;
  readonly declare?: Declarable | undefined;
}

export interface SeenUser {
  readonly source: string;
  readonly told: string;
  readonly lastAt: Date;
  readonly count: number;
}

export interface PassedOver {
  readonly where: string;
  readonly why: string;
}

export interface DiscoveryTold {
  readonly secret: string;
  /** Those that nobody declared first. */
  readonly copies: readonly Copy[];
  readonly furtherCopies: number;
  /** Whom the issuer saw, and nobody declared. */
  readonly users: readonly SeenUser[];
  /** How far the issuer's record of use goes. */
  readonly record: string;
  readonly looked: readonly { readonly place: string; readonly told: string }[];
  readonly passedOver: readonly PassedOver[];
  readonly furtherPassedOver: number;
  /** Versions whose value rotor never had: nobody can look for them. */
  readonly valueUnknown: readonly string[];
}

/** One at a time per secret: whoever asks for another joins it. */
export function discoveryWorkflowId(secretId: string): string {
  return `discover/${secretId}`;
}

const elsewhere = 'a place of another organization';

/** For somebody of one organization: what lies with others is counted, and not named. */
export function shownTo(told: DiscoveryTold, organization: string | undefined): DiscoveryTold {
  if (organization === undefined) return told;
  const isOthers = ({ organizations }: Copy): boolean =>
    organizations !== undefined && !organizations.includes(organization);
  return {
    ...told,
    copies: told.copies.map((copy) =>
      isOthers(copy)
        ? { ...copy, where: elsewhere, detail: undefined, declaredFor: [], declare: undefined }
        : copy,
    ),
    passedOver: [],
    furtherPassedOver: told.passedOver.length + told.furtherPassedOver,
  };
}
