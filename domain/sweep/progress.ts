/** What the activities of the sweep tell its workflow: counts, and where to go on. */
export interface SweepBegun {
  readonly recovering: boolean;
  readonly issuers: readonly string[];
}

export interface Swept {
  readonly secrets: number;
  readonly opened: number;
  readonly closed: number;
  /** The last secret of the batch, where more follow. */
  readonly next: string | undefined;
}

export interface IssuerSwept extends Swept {
  /** How many secrets it did not answer for, since the sweep began. */
  readonly failed: number;
  /** It has lost too much at once to be believed. */
  readonly implausible: boolean;
}

export interface DestinationsSwept extends Swept {
  readonly trouble: Trouble;
}

/** How often each connector failed in a row, in a way that passes. */
export type Trouble = Readonly<Record<string, number>>;

/** What the whole sweep came to. */
export interface SweepTold {
  readonly outcome: 'swept' | 'recovering';
  readonly secrets: number;
  readonly opened: number;
  readonly closed: number;
  /** Issuers that did not answer, not for all secrets, or not to be believed. */
  readonly notAsked: readonly string[];
  /** Connectors that were given up. */
  readonly notReached?: readonly string[];
  /** Destinations could not be looked at to their end. */
  readonly brokeOff?: boolean;
}

/** One sweep at a time per installation: whoever asks for another joins it. */
export function sweepWorkflowId(taskQueue: string): string {
  return `sweep/${taskQueue}`;
}

export function sweepScheduleId(taskQueue: string): string {
  return `sweep-daily/${taskQueue}`;
}
