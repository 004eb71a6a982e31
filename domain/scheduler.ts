/** The port to what a schedule needs when one of its slots starts. */
export interface Claimed {
  readonly told: string;
  /** The run that the newest slot became. */
  readonly runId?: string;
  /** Too early by the clock that decides: ask again then. */
  readonly until?: Date;
}

export interface Scheduler {
  /** Settles the slots that are due, once each; what counts is the schedule as it is now. */
  claim(secretId: string): Promise<Claimed>;
  /** Starts the workflow of a run that was claimed here, if nobody has. */
  start(runId: string): Promise<void>;
  /** Has Temporal hold the next slot, and nothing else. */
  rewrite(secretId: string): Promise<void>;
}
