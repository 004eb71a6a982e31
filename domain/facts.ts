/** All that is known about one secret at one moment; every decision is a function of these. */
import type { SeenAs } from './attribution.js';
import type { Assignment } from './connector.js';
import type { Evidence } from './evidence.js';
import type { IssuerTraits, UseOutcome, UseRecordKind, UseSource } from './issuer.js';
import type { Labels } from './labels.js';
import type { Closed } from './maintenance.js';
import type { Policy } from './policy.js';
import type { DecisionKind, RunKind, RunOutcome, RunState, StepName } from './run.js';
import type { TaskFacts } from './task.js';
import type { EndedCause, ValueState, VersionOrigin, VersionState } from './version.js';

export interface Facts {
  readonly now: Date;
  readonly installationId: string;
  /** After the loss of a database nothing is revoked before what exists was adopted. */
  readonly recovering: boolean;
  /** When it last was: of versions that are older, it is not known what they were used for. */
  readonly recoveredAt: Date | undefined;
  readonly secret: SecretFacts;
  readonly traits: IssuerTraits;
  readonly policy: Policy;
  readonly policyRevision: number;
  /** Undefined: a maintenance window is open, or the policy has none. */
  readonly closed: Closed | undefined;
  readonly run: RunFacts;
  readonly versions: readonly VersionFacts[];
  readonly dependencies: readonly DependencyFacts[];
  readonly deliveries: readonly DeliveryFacts[];
  readonly uses: readonly UseFacts[];
  /** Undefined before the record of use was read for the first time. */
  readonly record: RecordFacts | undefined;
  readonly effects: readonly EffectFacts[];
  readonly leases: readonly LeaseFacts[];
  readonly grants: readonly GrantFacts[];
  /** What people were asked, of versions that live or whose values are still there. */
  readonly tasks: readonly TaskFacts[];
}

export interface SecretFacts {
  readonly secretId: string;
  readonly name: string;
  readonly organization: string;
  readonly owner: string;
  readonly labels: Labels;
  readonly issuer: string;
  readonly specification: Readonly<Record<string, unknown>>;
}

export interface RunFacts {
  readonly runId: string;
  readonly kind: RunKind;
  readonly state: RunState;
  readonly outcome: RunOutcome | undefined;
  readonly requestedBy: string;
  readonly reason: string;
  readonly requestedAt: Date;
  readonly options: RunOptions;
  readonly plan: PlanFacts | undefined;
  /** Undefined: it goes on, or waits for nothing yet. */
  readonly wait?: WaitFacts | undefined;
  readonly decisions: readonly DecisionFacts[];
  /** Undefined: a program asked for it. */
  readonly requestedPerson: string | undefined;
  /** Persons who asked for it too, and joined. */
  readonly joinedPersons: readonly string[];
  readonly approvals: readonly ApprovalFacts[];
}

export interface WaitFacts {
  readonly code: string;
  readonly until: Date | undefined;
  /** The moment at which it was to go on, as it was said first; undefined where none was said. */
  readonly promised: Date | undefined;
  /** That moment came, and the run was put off: it goes on once somebody has helped, or by chance. */
  readonly held: boolean;
}

export interface ApprovalFacts {
  readonly approvalId: string;
  readonly by: string;
  readonly person: string;
  readonly at: Date;
  readonly expiresAt: Date;
  /** The plan as it was approved. */
  readonly content: PlanContent;
  /** Hashes of the plans that went on because of it. */
  readonly usedFor: readonly string[];
}

export interface RunOptions {
  /** Compromise: a replacement first, and the revoke at this many milliseconds whatever is unfinished. */
  readonly replaceFirstMs?: number;
  /** Compromise or revoke: these versions only. */
  readonly versionIds?: readonly string[];
  /** Compromise that took over another one: these too, which that one was asked for. */
  readonly alsoVersionIds?: readonly string[];
  /** Compromise: also a successor that nobody uses yet; otherwise that one is kept and adopted. */
  readonly everyVersion?: boolean;
  /** Compromise: what was minted later is sound (ISO 8601). Adopted credentials are older than anybody knows. */
  readonly leakedBefore?: string;
  /** Compromise: names of dependents that leaked, and are given no new value until somebody decides. */
  readonly excluded?: readonly string[];
  /** Said by a person who typed `revoke`: who may break. */
  readonly acceptedOutage?: AcceptedOutage;
  readonly acceptedUnseenUse?: { readonly by: string; readonly reason: string };
  /** Said where a secret has no dependents: nobody is known to use it. */
  readonly noDependentsKnown?: boolean;
}

/** Dependents by name, and sources that no declaration explains. */
export interface MayBreak {
  readonly dependents: readonly string[];
  readonly sources: readonly UseSource[];
}

export interface AcceptedOutage extends MayBreak {
  readonly by: string;
  readonly reason: string;
}

/** What a plan will do, not what was observed or when: its hash is what people approve. */
export interface PlanContent {
  readonly kind: RunKind;
  readonly direction: 'forward' | 'back';
  readonly secret: string;
  readonly ends: readonly string[];
  readonly specification: Readonly<Record<string, unknown>>;
  readonly steps: readonly string[];
  readonly waves: readonly {
    readonly name: string;
    readonly dependencies: readonly {
      readonly dependencyId: string;
      readonly leastEvidence: Evidence | undefined;
      /** Silence for so long counts; absent in what was approved before this was said. */
      readonly usesAtLeastEveryMs?: number | undefined;
    }[];
  }[];
  readonly policyRevision: number;
  /** Who may break by somebody's word; absent where nobody said so. */
  readonly mayBreak?: readonly string[];
}

export interface PlanFacts {
  readonly revision: number;
  readonly hash: string;
  readonly steps: readonly StepName[];
  readonly direction: 'forward' | 'back';
  /** The version that dependents move to; undefined where the run ends without a successor. */
  readonly towards: string | undefined;
  readonly ends: readonly string[];
  /** Only where somebody has to approve it. */
  readonly content?: PlanContent | undefined;
}

export interface DecisionFacts {
  readonly decisionId: string;
  readonly kind: DecisionKind;
  readonly dependencyId: string | undefined;
  /** Of `accept-outage` only. */
  readonly accepted?: MayBreak | undefined;
  readonly by: string;
  /** Whose token said so; undefined for a program's. */
  readonly person?: string | undefined;
  readonly reason: string;
  readonly at: Date;
  /** A plan or step has taken it into account. */
  readonly read: boolean;
}

export interface VersionFacts {
  readonly versionId: string;
  readonly ordinal: number;
  readonly state: VersionState;
  readonly current: boolean;
  readonly origin: VersionOrigin;
  readonly credentialId: string | undefined;
  readonly value: ValueState;
  readonly runId: string | undefined;
  readonly createdAt: Date;
  readonly activatedAt: Date | undefined;
  readonly expiresAt: Date | undefined;
  readonly confirmedAt: Date | undefined;
  readonly disabledAt: Date | undefined;
  readonly disabledUntil: Date | undefined;
  /** How often a straggler brought it back from `disabled`, since a person last did something about it. */
  readonly broughtBack: number;
  /** The issuer refused it when rotor tried: never adopted as a successor. */
  readonly refused: boolean;
  readonly endedCause: EndedCause | undefined;
  readonly revokedAt: Date | undefined;
  readonly monitorUntil: Date | undefined;
  /** Credential ids that existed before the mint, where the issuer has no place for a tag. */
  readonly listedBefore: readonly string[] | undefined;
  /** What the issuer answered to the mint whose value is sealed. */
  readonly mintedAs: string | undefined;
}

export interface DependencyFacts {
  readonly dependencyId: string;
  readonly dependent: string;
  readonly dependentId: string;
  readonly destinationId: string;
  readonly connector: string;
  readonly identity: string;
  readonly address: Readonly<Record<string, unknown>>;
  readonly wave: string | undefined;
  readonly owner: string;
  readonly documentation: string | undefined;
  readonly leastEvidence: Evidence;
  readonly seenAs: SeenAs | undefined;
  readonly usesAtLeastEveryMs: number | undefined;
  readonly picksUpWithinMs: number;
  readonly declaredAt: Date;
  /** It is given no new value until somebody releases it. */
  readonly withheld: Withholding | undefined;
  /** A person writes there. */
  readonly assignment: Assignment | undefined;
}

export interface Withholding {
  readonly by: string;
  readonly reason: string;
  readonly since: Date;
}

export interface DeliveryFacts {
  readonly dependencyId: string;
  readonly versionId: string;
  readonly generation: number;
  readonly evidence: Evidence | undefined;
  readonly deliveredAt: Date | undefined;
  readonly movedAt: Date | undefined;
  readonly failure: string | undefined;
}

export interface UseFacts {
  readonly versionId: string;
  readonly source: UseSource;
  readonly outcome: UseOutcome;
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly count: number;
}

export interface RecordFacts {
  readonly kind: UseRecordKind;
  readonly completeThrough: Date;
  readonly continuousSince: Date;
  readonly resolutionMs: number;
  /** Issuer's clock minus the database's, which is ours. */
  readonly skewMs: number;
  readonly readAt: Date;
}

/** An effect that was begun; until it is finished or past its deadline it may still happen. */
export interface EffectFacts {
  readonly effectId: string;
  readonly runId: string;
  readonly kind: 'mint' | 'deliver' | 'disable' | 'enable' | 'revoke';
  readonly versionId: string;
  readonly deadline: Date;
  readonly finished: boolean;
}

export interface LeaseFacts {
  readonly destinationId: string;
  readonly generation: number;
  readonly versionId: string;
  readonly runId: string;
  readonly deadline: Date;
  readonly released: boolean;
  /** Earlier deliveries that have not reported: until their deadlines they may still write there. */
  readonly contested: readonly ContestedDelivery[];
}

export interface ContestedDelivery {
  readonly generation: number;
  readonly versionId: string;
  readonly deadline: Date;
}

export const grantBases = [
  'proven-unused',
  'never-delivered',
  'unseen-use-accepted',
  'accepted-outage',
  'contained',
] as const;
export type GrantBasis = (typeof grantBases)[number];

export interface GrantFacts {
  readonly grantId: string;
  readonly versionId: string;
  readonly runId: string;
  readonly basis: GrantBasis;
  readonly grantedAt: Date;
  readonly expiresAt: Date;
  readonly calledAt: Date | undefined;
}
