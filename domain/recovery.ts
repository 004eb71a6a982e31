/** A database that was set back to a backup: how that is noticed, and the port by which it is mended. */
export interface RecoveryOrder {
  readonly dryRun: boolean;
  /** Issuers that cannot be asked, on somebody's word. */
  readonly without: readonly string[];
  readonly by: string;
  readonly reason: string;
  /** ISO 8601. When it was set back, where nobody has noticed: runs that were asked for later go on. */
  readonly setBackAt?: string | undefined;
}

/** One thing that was found, and what was done about it, or would be. */
export interface RecoveredRow {
  /** `organization/name`; empty where it is about none. */
  readonly secret: string;
  readonly what: 'adopted' | 'minted' | 'orphan' | 'gone' | 'run-ended' | 'workflow-ended';
  /** A credential, a run, a workflow. */
  readonly about: string;
  readonly told: string;
}

export interface IssuerRecovered {
  readonly secrets: number;
  readonly rows: readonly RecoveredRow[];
  /** Why it could not be asked, where it could not. */
  readonly failure: string | undefined;
  readonly next: string | undefined;
}

export interface RecoveryTold {
  readonly outcome: 'recovered' | 'dry-run' | 'still-recovering';
  readonly secrets: number;
  readonly rows: readonly RecoveredRow[];
  /** Rows that are in the audit trail, and too many to be listed. */
  readonly further: number;
  readonly notAsked: readonly { readonly issuer: string; readonly why: string }[];
}

export interface RecoveryBook {
  /** The one place where an installation becomes `recovering`. Repeated, nothing changes. */
  noticeSetBack(cause: string): Promise<void>;
  /** Also where nobody has noticed anything: whoever set the database back knows. */
  begin(order: RecoveryOrder): Promise<void>;
  /** Runs that the set-back has made open again end: what became of them is not known. What was asked for since goes on. */
  endRuns(order: RecoveryOrder): Promise<RunsEnded>;
  /** Revoking is possible again. The secrets whose runs have waited for that. */
  end(order: RecoveryOrder, counts: Readonly<Record<string, number>>): Promise<readonly string[]>;
}

export interface RunsEnded {
  readonly rows: readonly RecoveredRow[];
  /** Ids of runs that go on. */
  readonly goingOn: readonly string[];
}

/** Workflows of runs, in Temporal. */
export interface Strays {
  end(order: RecoveryOrder, goingOn: readonly string[]): Promise<readonly RecoveredRow[]>;
}

export function recoveryWorkflowId(taskQueue: string): string {
  return `recover/${taskQueue}`;
}
