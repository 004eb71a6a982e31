/** What an organization declares about itself, after checking: plain, complete, durations in milliseconds. */
import type { SeenAs } from './attribution.js';
import type { Evidence } from './evidence.js';
import type { Policy } from './policy.js';

export interface Declarations {
  readonly organizations: readonly OrganizationDeclaration[];
}

/** Absence changes nothing: what is not named here stays as it is. */
export interface OrganizationDeclaration {
  readonly name: string;
  readonly policies: readonly Policy[];
  readonly dependents: readonly DependentDeclaration[];
  readonly secrets: readonly SecretDeclaration[];
}

export interface DependentDeclaration {
  readonly name: string;
  readonly owner: string;
  readonly documentation: string | undefined;
}

export interface SecretDeclaration {
  readonly name: string;
  /** An issuer instance of rotor's configuration. */
  readonly issuer: string;
  readonly owner: string;
  readonly documentation: string | undefined;
  /** Name of a policy of the organization; undefined: the standard policy. */
  readonly policy: string | undefined;
  readonly specification: Readonly<Record<string, unknown>>;
  readonly dependencies: readonly DependencyDeclaration[];
}

export interface DependencyDeclaration {
  readonly dependent: string;
  readonly connector: string;
  readonly destination: Readonly<Record<string, unknown>>;
  readonly wave: string | undefined;
  readonly owner: string | undefined;
  readonly documentation: string | undefined;
  /** Undefined: what the secret's policy says. */
  readonly leastEvidence: Evidence | undefined;
  readonly seenAs: SeenAs | undefined;
  readonly usesAtLeastEveryMs: number | undefined;
  readonly picksUpWithinMs: number;
}
