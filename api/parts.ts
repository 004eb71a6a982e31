/** What the routes act through; put together where everything is known. */
import type pg from 'pg';
import type { Credential } from '../domain/issuer.js';
import type { Facts } from '../domain/facts.js';
import type { RecoveryOrder } from '../domain/recovery.js';
import type { Registry, SecretName } from '../domain/registry.js';
import type { SecretValue } from '../domain/secret-value.js';
import type { AuditTrail } from '../infra/registry/audit.js';
import type { AuditVerdict } from '../infra/registry/audit-verify.js';
import type { ApprovalCall, Approved, ReviewCall } from '../infra/registry/approvals.js';
import type { CampaignCall } from '../infra/registry/campaign-request.js';
import type { Decision } from '../infra/registry/decisions.js';
import type { RecoveryRun } from '../client/recovery.js';
import type { DiscoveryRun } from '../client/discovery.js';
import type { SweepState } from '../client/sweep.js';
import type { Retired, Retirement } from '../infra/registry/dependents.js';
import type { Identified } from '../infra/registry/fingerprints.js';
import type { Applied } from '../infra/registry/inventory.js';
import type { ScheduleChange, SlotSkip } from '../infra/registry/schedule-decisions.js';
import type { QuarantineEnd, QuarantineEnded } from '../infra/registry/quarantines.js';
import type { RunRequest, Submitted } from '../infra/registry/requests.js';
import type { Issued, LinkCall } from '../infra/registry/task-links.js';
import type { TaskWord } from '../infra/registry/task-words.js';
import type { Signer } from '../trail/signing.js';
import type {
  DependentReleased,
  WithholdingCall,
  WithholdingChanged,
} from '../infra/registry/withholdings.js';

export interface AdoptCall extends SecretName {
  readonly credentialId: string | undefined;
  readonly value: SecretValue | undefined;
  /** Instead of a value, what one that was displaced is kept as. */
  readonly kept: string | undefined;
  readonly by: string;
}

export interface DeclarationCall {
  readonly documents: readonly unknown[];
  readonly dryRun: boolean;
  /** Whether approvals may be asked for less than before. */
  readonly mayLoosen: boolean;
  readonly by: string;
  /** The only organization that the caller may declare; undefined: any. */
  readonly organization: string | undefined;
}

/** One part of an installation, looked at from outside. */
export interface Check {
  readonly part: string;
  readonly fine: boolean;
  readonly told: string;
  readonly hint?: string;
}

export interface ScheduleParts {
  /** Those of one organization, or all of them. */
  list(organization: string | undefined): Promise<unknown>;
  /** The next slots of a secret, and the last ones that were settled. */
  show(secret: SecretName, count: number): Promise<unknown>;
  pause(change: ScheduleChange): Promise<void>;
  resume(change: ScheduleChange): Promise<void>;
  /** The slot that is left out. */
  skip(skip: SlotSkip): Promise<{ readonly slot: string; readonly zone: string }>;
}

export interface TaskParts {
  /** With the address that the link begins with, where the configuration says it. */
  link(call: LinkCall): Promise<Issued & { readonly url: string | undefined }>;
  say(word: TaskWord): Promise<void>;
}

export interface RecoveryParts {
  start(order: RecoveryOrder): Promise<RecoveryRun>;
  /** The one that runs, or else the last one. */
  run(): Promise<RecoveryRun>;
}

export interface DiscoveryParts {
  /** On record, whatever is found; joins the one that runs. */
  start(
    secret: SecretName & { readonly secretId: string; readonly by: string },
  ): Promise<DiscoveryRun>;
  /** The one that runs, or else the last one. */
  run(secretId: string): Promise<DiscoveryRun>;
}

export interface ApiParts {
  readonly pool: pg.Pool;
  readonly registry: Registry;
  readonly audit: AuditTrail;
  /** Signs exports of the audit trail. */
  signer(): Signer;
  /** Names of the routes that people are told by. */
  readonly notificationRoutes: readonly string[];
  request(request: RunRequest): Promise<Submitted>;
  decide(decision: Decision): Promise<void>;
  /** The whole hash of the plan, and how many approvals of it hold now. */
  approve(call: ApprovalCall): Promise<Omit<Approved, 'secretId'>>;
  /** Its id; it goes on by itself. */
  startCampaign(call: CampaignCall): Promise<string>;
  review(call: ReviewCall): Promise<void>;
  adopt(call: AdoptCall): Promise<unknown>;
  declare(call: DeclarationCall): Promise<Applied>;
  /** Names of the secrets that it is given no new value of. */
  withhold(call: WithholdingCall): Promise<Omit<WithholdingChanged, 'touched'>>;
  /** With the names of the secrets that it lacks now. */
  release(call: WithholdingCall): Promise<Omit<DependentReleased, 'touched'>>;
  /** Of one incident: what others withhold goes on to hold. */
  endQuarantine(call: QuarantineEnd): Promise<Omit<QuarantineEnded, 'touched'>>;
  /** The names of the secrets that it depended on. */
  retireDependent(retirement: Retirement): Promise<Omit<Retired, 'touched'>>;
  /** Reads the use of a secret live, so that what is shown of it is not a minute old. */
  refresh(facts: Facts): Promise<void>;
  /** What the issuer has of a secret, where that limits a rotation; undefined where it does not, or was not answered. */
  listed(facts: Facts): Promise<readonly Credential[] | undefined>;
  /** Which secret a leaked value is; `organization` undefined: of any. */
  identify(value: SecretValue, organization: string | undefined): Promise<Identified[]>;
  readonly schedules: ScheduleParts;
  readonly tasks: TaskParts;
  verifyAudit(): Promise<AuditVerdict>;
  /** `audit`: that the trail is complete, too, with how much of it there is. */
  checks(asked: { readonly audit: boolean }): Promise<readonly Check[]>;
  /** Starts a sweep, or joins the one that runs. */
  startSweep(): Promise<SweepState>;
  sweepState(): Promise<SweepState>;
  readonly discovery: DiscoveryParts;
  readonly recovery: RecoveryParts;
}
