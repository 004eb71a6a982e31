/** Campaigns: many runs of one cause, the most dangerous first, a bounded number at work. */
import { RotorError } from './errors.js';
import type { Labels } from './labels.js';

export const campaignKinds = ['incident', 'project'] as const;
/** `incident`: what leaked is contained. `project`: it is over, and its secrets are decommissioned. */
export type CampaignKind = (typeof campaignKinds)[number];

/** A secret in scope, with what is known of how bad it is that it leaked, or is gone. */
export interface Exposure {
  readonly secretId: string;
  /** `organization/name`. */
  readonly name: string;
  /** Live versions in scope. */
  readonly versionIds: readonly string[];
  readonly versions: readonly string[];
  /** As the specification says, where its issuer knows roles. */
  readonly role: string | undefined;
  readonly dependents: readonly string[];
  /** Seen in use within the last day. */
  readonly usedLately: boolean;
}

/** Rights first, then live use, then how many break; among equals by name, so that a plan reads the same twice. */
export function mostDangerousFirst(exposures: readonly Exposure[]): Exposure[] {
  return [...exposures].sort(
    (one, other) =>
      Number(mayOnlyRead(one)) - Number(mayOnlyRead(other)) ||
      Number(other.usedLately) - Number(one.usedLately) ||
      other.dependents.length - one.dependents.length ||
      (one.name < other.name ? -1 : 1),
  );
}

const reading = /^(viewer|reader|read[-_ ]?only|read)$/i;

/** A role that nobody told is taken for a dangerous one. */
function mayOnlyRead({ role }: Exposure): boolean {
  return role !== undefined && reading.test(role);
}

export interface CampaignProgress {
  /** Secrets that nobody has asked a run for yet, or that could not be asked for. */
  readonly waiting: number;
  /** Asked for, and what is to end still lives. */
  readonly containing: number;
  /** Nothing of that lives; the run goes on. */
  readonly replacing: number;
  readonly ended: number;
  /** Runs that go on just now, and wait for nothing. */
  readonly atWork: number;
}

const lookSoonMs = 300;
const lookAtLeastMs = 20_000;

/** What may wait for people for months is looked at ever less often, as long as nothing moves there. */
export function nextLookMs(
  last: (CampaignProgress & { readonly waitMs: number }) | undefined,
  now: CampaignProgress,
): number {
  if (last === undefined || now.atWork > 0 || !isSame(last, now)) return lookSoonMs;
  return Math.min(last.waitMs * 2, lookAtLeastMs);
}

function isSame(one: CampaignProgress, other: CampaignProgress): boolean {
  const { waiting, containing, replacing, ended } = one;
  return (
    waiting === other.waiting &&
    containing === other.containing &&
    replacing === other.replacing &&
    ended === other.ended
  );
}

/** How a campaign goes on; each call may be repeated. */
export interface Campaigns {
  /** Asks for the runs of as many secrets as may be at work now. `widens`: looks for what came into scope since, too. */
  advance(campaignId: string, about: { readonly widens: boolean }): Promise<CampaignProgress>;
}

export function isOver({
  waiting,
  containing,
  replacing,
}: Pick<CampaignProgress, 'waiting' | 'containing' | 'replacing'>): boolean {
  return waiting + containing + replacing === 0;
}

export function campaignWorkflowId(campaignId: string): string {
  return `campaign/${campaignId}`;
}

/** A project without secrets would be over at once, and look as if it had been completed. */
export function nothingLeft(organization: string, labels: Labels): RotorError {
  const named = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  const which = named.length === 0 ? 'is' : `carries ${named.join(' and ')} and is`;
  const message = `no secret of ${organization} ${which} left to decommission`;
  return new RotorError('nothing-in-scope', message, {
    kind: 'conflict',
    hint: 'rotor list --label NAME=VALUE shows who carries a label',
  });
}

/** Whoever believes that a leak was contained must not be told so where nothing was. */
export function refuseNothing(leakedBefore: string, plan: readonly unknown[]): void {
  if (plan.length > 0) return;
  const message = `nothing that lives there was minted before ${leakedBefore}`;
  throw new RotorError('nothing-in-scope', message, {
    kind: 'conflict',
    hint: 'is it the right moment? A system is quarantined all the same where you say --quarantine',
  });
}
