/** Runs and their steps: the words that are stored, shown and never renamed. */
export const runKinds = ['rotate', 'compromise', 'revoke', 'decommission'] as const;
export type RunKind = (typeof runKinds)[number];

/** Append-only: a stored plan names its steps by these words, and outlives every release. */
export const stepNames = [
  'prepare',
  'cutover',
  'create',
  'update',
  'verify',
  'disable',
  'revoke',
  'clean',
  'monitor',
  'approve',
  'window',
] as const;
export type StepName = (typeof stepNames)[number];

/** `requested`: no workflow yet. `queued`: waits for another run of the same secret. */
export const runStates = ['queued', 'requested', 'running', 'ended'] as const;
export type RunState = (typeof runStates)[number];

export const runOutcomes = ['succeeded', 'rolled-back', 'superseded'] as const;
export type RunOutcome = (typeof runOutcomes)[number];

export const decisionKinds = [
  'retry',
  'skip',
  'roll-back',
  'pause',
  'resume',
  'abort',
  'accept-outage',
  'accept-unseen-use',
  'ignore-window',
] as const;
export type DecisionKind = (typeof decisionKinds)[number];

/** What an activity of a step tells the workflow. Holds no value. */
export type Answer =
  | {
      readonly kind: 'done';
      readonly told: string;
      /** How many destinations could not be cleaned: that goes on without the run. */
      readonly leftBehind?: number;
    }
  /** Look again at that moment (ISO 8601), or when facts change. */
  | { readonly kind: 'wait'; readonly until: string; readonly told: string }
  /** A person has to do something; `code` is a heading of the runbook. */
  | { readonly kind: 'blocked'; readonly code: string; readonly told: string }
  /** The stored plan no longer fits the facts. */
  | { readonly kind: 'replan'; readonly told: string };

/** What the workflow needs of a stored plan. */
export interface StoredPlan {
  readonly revision: number;
  readonly title: string;
  readonly steps: readonly StepName[];
  /** Per wave, the batches of dependency ids that one activity each moves. */
  readonly waves: readonly PlannedWave[];
  /** Versions that the run ends or ended: watched from then on. */
  readonly ends: readonly string[];
}

export interface PlannedWave {
  readonly name: string;
  readonly batches: readonly (readonly string[])[];
}

/** The one signal of every run: facts in the database changed; read them. */
export const factsChangedSignal = 'factsChanged';
export interface FactsChanged {
  readonly what: string;
  readonly by: string;
}

/** All that starting the workflow of a run needs. */
export interface StartableRun {
  readonly runId: string;
  readonly secretId: string;
  readonly kind: RunKind;
  readonly organization: string;
  readonly secret: string;
  readonly owner: string;
  readonly takesOver: boolean;
}

export interface RunInput {
  readonly runId: string;
  readonly secretId: string;
  readonly secretName: string;
  readonly organization: string;
  readonly owner: string;
  /** Where ordinary work of this installation is done. */
  readonly taskQueue: string;
}

/** The workflow id is the lock: one run per secret. */
export function secretWorkflowId(secretId: string): string {
  return `secret/${secretId}`;
}

export function monitorWorkflowId(versionId: string): string {
  return `monitor/${versionId}`;
}

export function leftoversWorkflowId(secretId: string): string {
  return `clean/${secretId}`;
}

/** One per issuer instance and set of workers: several installations may share a namespace. */
export function collectorWorkflowId(taskQueue: string, issuer: string): string {
  return `collect-use/${taskQueue}/${issuer}`;
}

export const usualTaskQueue = 'rotor';

/** Containing has its own queue and slots, so that it never waits behind ordinary work. */
export function urgentTaskQueue(taskQueue: string): string {
  return `${taskQueue}-urgent`;
}

export function taskQueueOf(kind: RunKind, taskQueue: string): string {
  return kind === 'compromise' ? urgentTaskQueue(taskQueue) : taskQueue;
}

/** What workflows can be searched by in Temporal; all of type Keyword. */
export const searchAttributes = {
  secret: 'RotorSecret',
  organization: 'RotorOrganization',
  owner: 'RotorOwner',
  step: 'RotorStep',
  outcome: 'RotorOutcome',
} as const;

/** Whose secret a workflow is about, for the attributes that it starts with. */
export function aboutSecret({
  organization,
  secret,
  owner,
}: Pick<StartableRun, 'organization' | 'secret' | 'owner'>): readonly [string, string][] {
  return [
    [searchAttributes.secret, `${organization}/${secret}`],
    [searchAttributes.organization, organization],
    [searchAttributes.owner, owner],
  ];
}
