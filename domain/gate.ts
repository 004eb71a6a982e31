/** The gate before every revoke: what still speaks against ending a version, and on which basis a grant may be given. */
import {
  acceptCommand,
  acceptedOutages,
  acceptedUnseenUse,
  isAcceptedDependent,
  isAcceptedSource,
  withoutOutages,
} from './acceptance.js';
import { attribute, describeSource, isExplained } from './attribution.js';
import { approvalMissing } from './approval.js';
import type { Blocker } from './blocker.js';
import { formatDuration } from './duration.js';
import type { DependencyFacts, Facts, GrantBasis, UseFacts } from './facts.js';
import type { OpenUse } from './issuer.js';
import { hasSuccessor } from './plan.js';
import { hasMoved, skippedDependencies, versionOf, wasDelivered } from './progress.js';
import { acceptedUses, quietTime, standsStill, type Quiet } from './quiet.js';
import { openDeliveries } from './steps/lease.js';
import { outsideWindow } from './steps/window.js';
import { stragglers } from './stragglers.js';

/** What was read live for this decision, beside the recorded facts. */
export interface LiveReading {
  /** Undefined where the issuer cannot tell. */
  readonly openUse: readonly OpenUse[] | undefined;
}

/** A grant lives this long: each attempt to revoke reads the use again and renews it. */
export const grantLifeMs = 30_000;

/** All that speaks against revoking the version now; empty: it is earned. */
export function blockersToRevoke(facts: Facts, versionId: string, live: LiveReading): Blocker[] {
  if (facts.recovering) return [recovering];
  if (isContained(facts, versionId)) return [];
  if (isUntouched(facts, versionId)) return [];
  if (facts.run.plan?.direction === 'back' && facts.run.plan.towards === undefined)
    return [noWayBack];
  return [
    ...approvalMissing(facts),
    ...dependentsNotMoved(facts, versionId),
    ...successorNotProven(facts),
    ...stillInUse(facts, versionId),
    ...recordIncomplete(facts, versionId),
    ...openUseLeft(facts, versionId, live),
    ...deliveriesInProgress(facts, versionId),
    // Last: what only takes time says less than who is in the way.
    ...overlapNotOver(facts),
    ...outsideWindow(facts),
  ];
}

/** Replacing in place is a revocation: everybody who breaks has to be accepted by name, or contained. */
export function blockersToCutOver(facts: Facts, versionId: string): Blocker[] {
  if (facts.recovering) return [recovering];
  if (isContained(facts, versionId)) return [];
  const unknown = stillInUse(facts, versionId).filter(({ code }) => code === 'undeclared-use');
  const stale = recordIncomplete(facts, versionId).filter(({ code }) => code !== 'use-not-seen');
  return [
    ...approvalMissing(facts),
    ...dependentsNotMoved(facts, versionId),
    ...outageUnsaid(facts),
    ...unknown,
    ...stale,
    ...outsideWindow(facts),
  ];
}

/** Also where nobody declared would break: it is a revocation on somebody's word. */
function outageUnsaid(facts: Facts): Blocker[] {
  const { run } = facts;
  if (acceptedOutages(run).length > 0 || run.options.noDependentsKnown === true) return [];
  const message = 'the value is replaced in place: its outage has to be accepted by name';
  const accept = acceptCommand(facts, 'accept-outage --dependent NAME');
  return [{ code: 'breaks-dependents', message, accept }];
}

const noWayBack: Blocker = {
  code: 'no-way-back',
  message: 'there is no earlier version left to go back to: this one stays',
};

const recovering: Blocker = {
  code: 'recovering',
  message: 'the installation is recovering: what exists at the issuers has to be adopted first',
};

/** On which basis a version may be revoked once nothing speaks against it. */
export function basisOf(facts: Facts, versionId: string): GrantBasis {
  if (isContained(facts, versionId)) return 'contained';
  if (isUntouched(facts, versionId)) return 'never-delivered';
  if (outageIsNeeded(facts, versionId)) return 'accepted-outage';
  return recordIsSure(facts) ? 'proven-unused' : 'unseen-use-accepted';
}

function isContained(facts: Facts, versionId: string): boolean {
  return facts.run.kind === 'compromise' && facts.run.plan?.ends.includes(versionId) === true;
}

/** Minted by rotor, never written anywhere, never seen in use; of an orphan only a sure record says the last. After a set-back nobody knows. */
function isUntouched(facts: Facts, versionId: string): boolean {
  const version = versionOf(facts, versionId);
  const ours =
    version?.origin === 'minted' || (version?.origin === 'orphan' && recordIsSure(facts));
  return (
    ours &&
    !(facts.recoveredAt !== undefined && version.createdAt < facts.recoveredAt) &&
    version.confirmedAt === undefined &&
    !wasDelivered(facts, versionId) &&
    acceptedUses(facts, versionId).length === 0
  );
}

function recordIsSure(facts: Facts): boolean {
  return facts.record?.kind === 'exact' || facts.record?.kind === 'last-used';
}

/** Without the acceptance something would still speak against it, or somebody needs what is disabled. */
function outageIsNeeded(facts: Facts, versionId: string): boolean {
  if (acceptedOutages(facts.run).length === 0) return false;
  const without = withoutOutages(facts);
  const version = versionOf(facts, versionId);
  if (version !== undefined && stragglers(without, version).length > 0) return true;
  return blockersToRevoke(without, versionId, { openUse: undefined }).length > 0;
}

function dependentsNotMoved(facts: Facts, versionId: string): Blocker[] {
  const breaking = breakingDependents(facts, versionId);
  const unaccepted = breaking.filter(({ dependent }) => !isAcceptedDependent(facts.run, dependent));
  if (unaccepted.length === 0) return [];
  const names = unaccepted.map(({ dependent }) => dependent);
  const code = movesDependents(facts) ? 'dependents-not-moved' : 'breaks-dependents';
  const verb = movesDependents(facts) ? 'not moved yet' : 'would break';
  const until = movesDependents(facts) ? undefined : unusedFrom(facts, unaccepted, versionId);
  const message = `${verb}: ${unaccepted.map(nameWithReason).join(', ')}`;
  const accept = acceptCommand(facts, 'accept-outage --dependent NAME');
  return [{ code, message, accept, names, ...(until === undefined ? {} : { until }) }];
}

function nameWithReason({ dependent, withheld }: DependencyFacts): string {
  return withheld === undefined ? dependent : `${dependent} (withheld by ${withheld.by})`;
}

/** When all of them will be proven unused, if they stay as quiet as they are; undefined where time alone proves nothing. */
function unusedFrom(
  facts: Facts,
  dependencies: readonly DependencyFacts[],
  versionId: string,
): Date | undefined {
  const moments = dependencies.map((d) => ownQuiet(facts, d, versionId)?.earliest.getTime());
  if (moments.some((moment) => moment === undefined)) return undefined;
  return new Date(Math.max(facts.now.getTime() + 1, ...moments.map((moment) => moment ?? 0)));
}

function movesDependents(facts: Facts): boolean {
  return hasSuccessor(facts) || facts.run.plan?.direction === 'back';
}

/** Dependents that revoking the version breaks, as far as is known. */
export function breakingDependents(facts: Facts, versionId: string): DependencyFacts[] {
  const towards = facts.run.plan?.towards;
  const skipped = skippedDependencies(facts);
  if (movesDependents(facts)) {
    return facts.dependencies.filter(
      (dependency) =>
        skipped.has(dependency.dependencyId) ||
        towards === undefined ||
        !hasMoved(facts, dependency, towards),
    );
  }
  return facts.dependencies.filter((dependency) => !isProvenUnused(facts, dependency, versionId));
}

/** No successor: somebody who can be recognized, and was not seen for the quiet period. */
function isProvenUnused(facts: Facts, dependency: DependencyFacts, versionId: string): boolean {
  const other = facts.versions.find(
    (version) => version.current && version.versionId !== versionId,
  );
  if (other !== undefined && hasMoved(facts, dependency, other.versionId)) return true;
  return ownQuiet(facts, dependency, versionId)?.enough ?? false;
}

/** How long this dependent has not used the version; undefined where it could not be recognized, or not be seen. */
function ownQuiet(facts: Facts, dependency: DependencyFacts, versionId: string): Quiet | undefined {
  if (facts.record === undefined || !recordIsSure(facts)) return undefined;
  if (dependency.seenAs === undefined) return undefined;
  const own = acceptedUses(facts, versionId).filter(
    ({ source }) => attribute(source, facts.dependencies) === dependency,
  );
  return quietTime(facts, facts.record, own);
}

function successorNotProven(facts: Facts): Blocker[] {
  if (!movesDependents(facts)) return [];
  const towards = facts.run.plan?.towards;
  const successor = towards === undefined ? undefined : versionOf(facts, towards);
  if (successor?.current === true && successor.state === 'active') return [];
  return [{ code: 'successor-not-proven', message: 'the version to move to is not confirmed' }];
}

function overlapNotOver(facts: Facts): Blocker[] {
  const towards = facts.run.plan?.towards;
  const confirmedAt = towards === undefined ? undefined : versionOf(facts, towards)?.confirmedAt;
  if (confirmedAt === undefined || facts.run.plan?.direction === 'back') return [];
  const until = new Date(confirmedAt.getTime() + facts.policy.overlapMs);
  if (until <= facts.now) return [];
  return [{ code: 'overlap', message: 'the overlap that the policy asks for is not over', until }];
}

function stillInUse(facts: Facts, versionId: string): Blocker[] {
  const { record } = facts;
  const uses = acceptedUses(facts, versionId).filter(
    ({ source }) => !isAcceptedSource(facts, source),
  );
  if (record === undefined) return [];
  const quiet = quietTime(facts, record, uses);
  if (quiet.enough) return [];
  const until = new Date(Math.max(quiet.earliest.getTime(), facts.now.getTime() + 1));
  const recent = uses.filter((use) => quietTime(facts, record, [use]).enough === false);
  const unknown = recent.filter(({ source }) => !isExplained(source, facts.dependencies));
  if (unknown.length > 0) {
    const names = unknown.map(({ source }) => describeSource(source));
    return [
      {
        code: 'undeclared-use',
        message: `used by nobody declared: ${names.join('; ')}`,
        accept: acceptCommand(facts, 'accept-outage --source SOURCE'),
        until,
        names,
      },
    ];
  }
  return [recent.length > 0 ? inUse(facts, recent, until) : notQuiet(quiet.neededMs, until)];
}

function inUse(facts: Facts, recent: readonly UseFacts[], until: Date): Blocker {
  const owners = recent.flatMap(
    ({ source }) => attribute(source, facts.dependencies)?.dependent ?? [],
  );
  const names = [...new Set(owners)];
  if (names.length === 0) {
    const message = 'still used, and the issuer does not tell by whom';
    return { code: 'version-in-use', message, until, names };
  }
  const message = `still used by ${names.join(', ')}`;
  const accept = acceptCommand(facts, 'accept-outage --dependent NAME');
  return { code: 'version-in-use', message, accept, until, names };
}

function notQuiet(neededMs: number, until: Date): Blocker {
  const message = `no use may be seen for ${formatDuration(neededMs)}`;
  return { code: 'quiet-period', message, until };
}

function recordIncomplete(facts: Facts, versionId: string): Blocker[] {
  const { record } = facts;
  if (
    facts.traits.useRecord === 'absent' ||
    record?.kind === 'sampled' ||
    record?.kind === 'absent'
  ) {
    return unseenUse(facts, versionId);
  }
  if (record === undefined) {
    const message = "the issuer's record of use was never read";
    return [{ code: 'record-missing', message, until: lookAgain(facts) }];
  }
  if (!standsStill(record)) return [];
  const message = `the record of use ends at ${record.completeThrough.toISOString()}`;
  return [{ code: 'record-stands-still', message, until: lookAgain(facts) }];
}

/** An issuer that comes back tells nobody: it has to be looked at again. */
function lookAgain({ now }: Facts): Date {
  return new Date(now.getTime() + 30_000);
}

function unseenUse(facts: Facts, versionId: string): Blocker[] {
  const accepted = acceptedUnseenUse(facts.run) ?? facts.policy.acceptUnseenUse;
  if (accepted !== undefined) return [];
  const ordinal = versionOf(facts, versionId)?.ordinal ?? '?';
  const message = `unseen use of v${ordinal} may break, and nobody has accepted that`;
  return [{ code: 'use-not-seen', message, accept: acceptCommand(facts, 'accept-unseen-use') }];
}

function openUseLeft(facts: Facts, versionId: string, live: LiveReading): Blocker[] {
  const open = live.openUse ?? [];
  if (open.length === 0) return [];
  const { openUse } = facts.policy;
  const since =
    versionOf(facts, facts.run.plan?.towards ?? versionId)?.confirmedAt ?? facts.run.requestedAt;
  const until = new Date(since.getTime() + openUse.waitMs);
  const names = open.map(({ kind, source }) => `${kind} of ${describeSource(source)}`);
  const message = `${open.length} open: ${[...new Set(names)].join('; ')}`;
  if (until > facts.now) return [{ code: 'open-use', message, until, names }];
  return openUse.then === 'end' ? [] : [{ code: 'open-use', message, names }];
}

function deliveriesInProgress(facts: Facts, versionId: string): Blocker[] {
  const open = openDeliveries(facts).filter((delivery) => delivery.versionId === versionId);
  const last = Math.max(...open.map(({ deadline }) => deadline.getTime()));
  if (open.length === 0) return [];
  return [
    {
      code: 'delivery-in-progress',
      message: 'the version is being written somewhere',
      until: new Date(last),
    },
  ];
}
