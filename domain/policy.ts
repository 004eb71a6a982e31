/** What people decide beforehand about a secret's rotations. All durations are milliseconds. */
import type { Evidence } from './evidence.js';
import type { Labels } from './labels.js';
import type { Maintenance } from './maintenance.js';
import type { RunKind } from './run.js';
import type { Schedule } from './schedule.js';

export interface WaveRule {
  readonly name: string;
  /** Waves that must have moved before this one begins. */
  readonly after: readonly string[];
}

export interface ApprovalRule {
  /** Kinds of runs that wait for it. Containing a compromise never does. */
  readonly kinds: readonly RunKind[];
  /** How many persons, other than the one who asked. */
  readonly needed: number;
  /** Only these persons; empty: whoever has the right. */
  readonly by: readonly string[];
  /** Secrets that carry all of these; none: every one. */
  readonly labels: Labels;
  /** How long an approval holds for a plan that has not begun. */
  readonly livesMs: number;
}

export interface Policy {
  readonly name: string;
  /** The predecessor stays alive at least this long after the successor was confirmed. */
  readonly overlapMs: number;
  /** No accepted use of the predecessor for this long, by a complete record. */
  readonly quietPeriodMs: number;
  /** How long the predecessor is refused, reversibly, before it is revoked. 0: no such step. */
  readonly disablePeriodMs: number;
  /** How long a revoked version is watched for late use. */
  readonly monitorPeriodMs: number;
  readonly leastEvidence: Evidence;
  /** Tokens and sessions that the predecessor opened: wait, then end them or block. */
  readonly openUse: { readonly waitMs: number; readonly then: 'end' | 'block' };
  /** Where the record of use is sampled or absent: who accepted that unseen use may break, and why. */
  readonly acceptUnseenUse: { readonly by: string; readonly reason: string } | undefined;
  /** Allows to disable where the issuer cannot end that by itself: it stays disabled if rotor stops. */
  readonly allowManualDisable: boolean;
  /** The first dependent moves alone, and everybody else only once it is proven. */
  readonly canary: boolean;
  readonly waves: readonly WaveRule[];
  /** The first that fits a run counts; where none does, nobody has to approve. */
  readonly approvals?: readonly ApprovalRule[] | undefined;
  readonly timeouts: {
    readonly mintMs: number;
    readonly deliverMs: number;
    /** How long a dependent may take to prove that it moved, beyond its `picksUpWithin`. */
    readonly proveMs: number;
  };
  /** When dependents are moved and old versions ended; undefined: at any time. */
  readonly maintenance?: Maintenance | undefined;
  /** When its secrets rotate by themselves; one of their own comes first. */
  readonly schedule?: Schedule | undefined;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** Cautious for a service that is used daily; a secret without a policy has this one. */
export const standardPolicy: Policy = {
  name: 'standard',
  overlapMs: hour,
  quietPeriodMs: 7 * day,
  disablePeriodMs: day,
  monitorPeriodMs: 14 * day,
  leastEvidence: 'observed',
  openUse: { waitMs: hour, then: 'block' },
  acceptUnseenUse: undefined,
  allowManualDisable: false,
  canary: true,
  waves: [],
  timeouts: { mintMs: minute, deliverMs: 30_000, proveMs: 10 * minute },
};
