/** Reasons why a step cannot go on. Each code is a heading of the runbook. */
export const blockerCodes = [
  'recovering',
  'dependents-not-moved',
  'successor-not-proven',
  'version-in-use',
  'undeclared-use',
  'record-missing',
  'record-stands-still',
  'quiet-period',
  'overlap',
  'use-not-seen',
  'open-use',
  'delivery-in-progress',
  'breaks-dependents',
  'straggler-persists',
  'destination-failed',
  'dependent-not-proven',
  'task-overdue',
  'task-declined',
  'no-free-slot',
  'validity-too-short',
  'credential-ambiguous',
  'value-lost',
  'wrong-rights',
  'issuer-failed',
  'store-failed',
  'no-way-back',
  'approval-needed',
  'outside-window',
  'paused',
] as const;
export type BlockerCode = (typeof blockerCodes)[number];

export interface Blocker {
  readonly code: BlockerCode;
  readonly message: string;
  /** It passes by itself, at this moment at the earliest, if nothing new happens. */
  readonly until?: Date;
  /** The command by which a person accepts for the run what is in the way. */
  readonly accept?: string;
  /** Before that command, where it is not that somebody may break. */
  readonly acceptIf?: string;
  /** Dependents or sources that it is about. */
  readonly names?: readonly string[];
}
