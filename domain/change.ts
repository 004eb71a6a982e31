/** What a decision changes: applied in the transaction that read the facts, and written to the audit trail in the same words. */
import type { Evidence } from './evidence.js';
import type { ContestedDelivery, EffectFacts, GrantBasis } from './facts.js';
import type { Finding, FindingCode } from './finding.js';
import type { Plan } from './plan.js';
import type { RunOutcome } from './run.js';
import type { TaskKind } from './task.js';
import type { EndedCause, ValueState, VersionOrigin, VersionState } from './version.js';

export type Change =
  | { readonly change: 'plan-stored'; readonly plan: Plan; readonly revision: number }
  | VersionNamed
  | VersionMoved
  /** From now on the run's plan moves dependents to this version. */
  | { readonly change: 'successor-chosen'; readonly versionId: string }
  | { readonly change: 'version-confirmed'; readonly versionId: string }
  | { readonly change: 'disable-renewed'; readonly versionId: string; readonly until: Date }
  /** A person has done something about it: how often it was brought back is counted anew. */
  | { readonly change: 'stragglers-forgiven'; readonly versionId: string }
  | { readonly change: 'version-refused'; readonly versionId: string }
  | { readonly change: 'value-known'; readonly versionId: string; readonly value: ValueState }
  | {
      readonly change: 'credential-listed';
      readonly versionId: string;
      readonly listedBefore: readonly string[];
    }
  | {
      readonly change: 'effect-begun';
      readonly effectId: string;
      readonly effect: EffectFacts['kind'];
      readonly versionId: string;
      readonly deadline: Date;
    }
  /** The value that came with this answer is the sealed one. */
  | {
      readonly change: 'mint-answered';
      readonly versionId: string;
      readonly credentialId: string;
    }
  | { readonly change: 'effect-finished'; readonly effectId: string }
  | {
      readonly change: 'lease-taken';
      readonly destinationId: string;
      readonly generation: number;
      readonly versionId: string;
      readonly deadline: Date;
      readonly contested: readonly ContestedDelivery[];
    }
  | {
      readonly change: 'lease-released';
      readonly destinationId: string;
      readonly generation: number;
    }
  | DeliveryChanged
  | {
      readonly change: 'granted';
      readonly grantId: string;
      readonly versionId: string;
      readonly basis: GrantBasis;
      readonly expiresAt: Date;
      /** Who answers for it and why: the evidence, or the acceptance. */
      readonly because: Readonly<Record<string, unknown>>;
    }
  | { readonly change: 'revoke-called'; readonly grantId: string }
  /** rotor is about to log in itself; the mark tells that from anybody's use. */
  | { readonly change: 'probe-marked'; readonly versionId: string; readonly mark: string }
  /** The run goes on with the plan of this hash because of them. */
  | {
      readonly change: 'approvals-used';
      readonly approvalIds: readonly string[];
      readonly hash: string;
    }
  | { readonly change: 'decision-read'; readonly decisionId: string }
  | {
      readonly change: 'run-waits';
      readonly code: string;
      readonly told: string;
      readonly until: Date | undefined;
    }
  /** What it waited for came about. */
  | { readonly change: 'run-goes-on' }
  /** The run decided by itself, as its policy allows. */
  | {
      readonly change: 'turned-around';
      readonly decisionKind: 'roll-back';
      readonly reason: string;
    }
  | { readonly change: 'run-ended'; readonly outcome: RunOutcome }
  /** Nothing is left of it: a secret that is declared by this name again is another one. */
  | { readonly change: 'secret-retired' }
  /** A person is asked: to type a version in, or to remove one. */
  | {
      readonly change: 'task-opened';
      readonly kind: TaskKind;
      readonly dependencyId: string;
      readonly versionId: string;
      readonly urgent: boolean;
      readonly dueAt: Date;
    }
  /** Nobody has to do it any more; its link is dead. */
  | { readonly change: 'task-closed'; readonly taskId: string; readonly note: string }
  /** The run has taken into account what a person said. */
  | { readonly change: 'task-heard'; readonly taskId: string }
  | { readonly change: 'monitoring'; readonly versionId: string; readonly until: Date }
  | { readonly change: 'found'; readonly finding: Finding }
  /** The facts that it was about are no longer so. */
  | {
      readonly change: 'findings-closed';
      readonly code: FindingCode;
      readonly abouts: readonly string[];
    };

export interface VersionNamed {
  readonly change: 'version-named';
  readonly versionId: string;
  readonly state: VersionState;
  readonly origin: VersionOrigin;
  readonly credentialId?: string;
  readonly value: ValueState;
  readonly expiresAt?: Date;
}

export interface VersionMoved {
  readonly change: 'version-moved';
  readonly versionId: string;
  readonly from: VersionState;
  readonly to: VersionState;
  readonly credentialId?: string;
  readonly expiresAt?: Date;
  readonly disabledUntil?: Date;
  /** When the issuer was asked to disable it: refusals from then on are a straggler's. */
  readonly disabledAt?: Date;
  readonly cause?: EndedCause;
  readonly grantId?: string;
  /** What went on after the revoke, and what became of it. */
  readonly outlived?: string;
  readonly broughtBack?: boolean;
}

export interface DeliveryChanged {
  readonly change: 'delivery';
  readonly dependencyId: string;
  readonly versionId: string;
  readonly generation: number;
  readonly delivered: boolean;
  readonly evidence?: Evidence;
  readonly moved: boolean;
  readonly failure?: string;
}

/** What a pure decision answers, and what it changes. */
export interface Decided<T> {
  readonly result: T;
  readonly changes: readonly Change[];
}

/** Changes that say nothing to an auditor: progress, and locks. */
const unaudited: ReadonlySet<Change['change']> = new Set([
  'effect-finished',
  'lease-released',
  'decision-read',
  'run-waits',
  'run-goes-on',
  'disable-renewed',
  'findings-closed',
  'task-heard',
]);

export function isAudited({ change }: Change): boolean {
  return !unaudited.has(change);
}
