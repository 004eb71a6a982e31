/** What the sweep knows of one secret: facts that were read for many secrets at once. */
import type { SeenAs } from '../attribution.js';
import type { RecordFacts } from '../facts.js';
import type { FindingCode } from '../finding.js';
import type { UseSource } from '../issuer.js';
import type { EndedCause, ValueState, VersionOrigin, VersionState } from '../version.js';

export interface SweptSecret {
  /** By the database's clock, when the facts were read. */
  readonly now: Date;
  readonly secretId: string;
  /** `organization/name`. */
  readonly name: string;
  readonly owner: string;
  readonly documentation: string | undefined;
  readonly issuer: string;
  readonly specification: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
  /** A schedule rotates it, and tells when it could not. */
  readonly scheduled: boolean;
  readonly quietPeriodMs: number;
  /** A run has it, or waits for it: what is under way is no finding. */
  readonly busy: boolean;
  readonly versions: readonly SweptVersion[];
  readonly dependencies: readonly SweptDependency[];
  /** Of dependents that are gone, or that need this secret no more. */
  readonly retired: readonly SweptDependency[];
  /** Accepted use of live versions. */
  readonly uses: readonly SweptUse[];
  /** Undefined before the record of use was read for the first time. */
  readonly record: RecordFacts | undefined;
  /** Versions that a revoke was called for. */
  readonly called: readonly string[];
  readonly open: readonly OpenFinding[];
}

export interface SweptVersion {
  readonly versionId: string;
  readonly ordinal: number;
  readonly state: VersionState;
  readonly current: boolean;
  readonly origin: VersionOrigin;
  readonly value: ValueState;
  readonly credentialId: string | undefined;
  readonly createdAt: Date;
  readonly activatedAt: Date | undefined;
  readonly confirmedAt: Date | undefined;
  readonly expiresAt: Date | undefined;
  readonly revokedAt: Date | undefined;
  readonly endedCause: EndedCause | undefined;
}

export interface SweptDependency {
  readonly dependencyId: string;
  readonly dependent: string;
  readonly seenAs: SeenAs | undefined;
  readonly usesAtLeastEveryMs: number | undefined;
  readonly picksUpWithinMs: number;
  readonly declaredAt: Date;
  readonly destinationId: string;
  readonly connector: string;
  readonly identity: string;
  readonly address: Readonly<Record<string, unknown>>;
  /** The current version was written there. */
  readonly delivered: boolean;
  readonly withheld: boolean;
  /** A person writes there, and nobody can look. */
  readonly byPerson: boolean;
}

export interface SweptUse {
  readonly versionId: string;
  /** The one spelling of the source that findings are told apart by. */
  readonly sourceKey: string;
  readonly source: UseSource;
  readonly lastAt: Date;
  readonly count: number;
}

export interface OpenFinding {
  readonly code: FindingCode;
  readonly about: string;
  readonly versionId: string | undefined;
  readonly firstAt: Date;
  readonly lastAt: Date;
}

export const day = 86_400_000;

export function currentOf({ versions }: SweptSecret): SweptVersion | undefined {
  return versions.find(({ current }) => current);
}

/** Milliseconds as people say them, in one unit. */
export function roughly(ms: number): string {
  if (ms >= 2 * day) return `${Math.floor(ms / day)} days`;
  if (ms >= 7_200_000) return `${Math.floor(ms / 3_600_000)} hours`;
  return `${Math.max(0, Math.floor(ms / 60_000))} minutes`;
}

export function onDay(at: Date): string {
  return at.toISOString().slice(0, 'YYYY-MM-DD'.length);
}
