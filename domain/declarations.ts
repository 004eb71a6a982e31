/** What an organization declares about itself, after checking: plain, complete, durations in milliseconds. */
import type { SeenAs } from './attribution.js';
import type { Assignment } from './connector.js';
import type { Problem } from './errors.js';
import type { Evidence } from './evidence.js';
import type { IssuerTraits } from './issuer.js';
import type { Labels } from './labels.js';
import type { Policy } from './policy.js';
import type { Schedule } from './schedule.js';

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
  readonly labels: Labels;
  /** Name of a policy of the organization; undefined: the standard policy. */
  readonly policy: string | undefined;
  /** Its own, instead of the policy's. */
  readonly schedule: Schedule | undefined;
  /** Secrets of the organization that are not to rotate at the same time. */
  readonly notWith: readonly string[];
  readonly specification: Readonly<Record<string, unknown>>;
  /** Whose credentials they are, as the kind of issuer says it. */
  readonly principal: string;
  readonly dependencies: readonly DependencyDeclaration[];
}

export interface DependencyDeclaration {
  readonly dependent: string;
  readonly connector: string;
  readonly destination: Readonly<Record<string, unknown>>;
  /** The same for every way of spelling the same destination. */
  readonly identity: string;
  /** A person writes there. */
  readonly assignment: Assignment | undefined;
  readonly wave: string | undefined;
  readonly owner: string | undefined;
  readonly documentation: string | undefined;
  /** Undefined: what the secret's policy says. */
  readonly leastEvidence: Evidence | undefined;
  readonly seenAs: SeenAs | undefined;
  readonly usesAtLeastEveryMs: number | undefined;
  readonly picksUpWithinMs: number;
}

/**
 * A value that is replaced in place is lost with the answer that holds it, unless rotor chose it: no issuer of ours
 * can show a value again.
 */
export function losesItsValue({
  overlap,
  valueChosenBy,
}: Pick<IssuerTraits, 'overlap' | 'valueChosenBy'>): Problem | undefined {
  if (overlap.kind !== 'none' || valueChosenBy === 'ours') return undefined;
  return {
    path: 'issuer',
    message:
      "expected an issuer that keeps several values, or takes one of rotor's; this one has a single value and chooses it itself, so that an answer that is lost is an outage",
    hint: 'name an issuer that takes a value, or rotate this secret by hand',
  };
}

/** Where the credentials of a secret are made. */
export interface Origin {
  readonly issuer: string;
  /** Undefined: the issuer is not configured any more, or its kind reads the specification in another way now. */
  readonly principal: string | undefined;
}

/** Live versions are found where they were made: a declaration does not move a secret that has any. */
export function movedAway(was: Origin, wanted: Origin): Problem | undefined {
  if (was.issuer !== wanted.issuer) return moved('issuer', was.issuer, wanted.issuer);
  if (was.principal === wanted.principal) return undefined;
  const before = was.principal ?? 'not known any more';
  return moved('specification', before, wanted.principal ?? 'an unknown place');
}

function moved(path: string, was: string, wanted: string): Problem {
  return {
    path,
    message: `it was ${was} and has live versions there, which would not be found at ${wanted}`,
    hint: 'declare a new secret, move its dependents there and decommission this one; nothing was changed',
  };
}

/** What of an organization stands in the registry already. */
export interface KnownOrganization {
  readonly policies: ReadonlyMap<string, Pick<Policy, 'waves' | 'leastEvidence' | 'schedule'>>;
  readonly dependents: ReadonlySet<string>;
  /** Only secrets that have live versions. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** Those that are not retired. */
  readonly secrets: ReadonlySet<string>;
}
