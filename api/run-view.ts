/** A run with what is its own: an earlier run, and a later one, have views of their own. */
import type { Row } from '../infra/registry/views.js';

export interface RunView {
  readonly run: Row;
  readonly versions: readonly Row[];
  readonly dependencies: readonly Row[];
  readonly use: readonly Row[];
  readonly decisions: readonly Row[];
  readonly grants: readonly Row[];
  readonly approvals: readonly Row[];
  readonly plans: readonly Row[];
  /** Audit events of the run. */
  readonly events: readonly Row[];
  readonly findings: readonly Row[];
  /** What people were asked. */
  readonly tasks: readonly Row[];
}

/** Leaves out deliveries that other runs made, and findings of other times. */
export function ownView(view: RunView): RunView {
  const made = new Set(eventsOf(view, 'delivery').map(deliveryKey));
  const idOf = new Map(view.versions.map(({ id, version }) => [version, id]));
  const isOwn = (dependency: Row, { version }: Row): boolean =>
    made.has(deliveryKey({ dependencyId: dependency['id'], versionId: idOf.get(version) }));
  return {
    ...view,
    dependencies: view.dependencies.map((dependency) => ({
      ...dependency,
      deliveries: rowsIn(dependency['deliveries']).filter((one) => isOwn(dependency, one)),
    })),
    findings: view.findings.filter((finding) => isDuring(view.run, finding)),
  };
}

/** Versions that this run revoked, or found to be gone. */
export function endedBy(view: RunView): Row[] {
  const moves = eventsOf(view, 'version-moved');
  const ended = moves.filter(({ to }) => to === 'revoked' || to === 'ended');
  const ids = new Set(ended.map(({ versionId }) => versionId));
  return view.versions.filter(({ id }) => ids.has(id));
}

/** Who signed off what was contained without approval: it is on the trail alone. */
export function reviewsOf({ events }: Pick<RunView, 'events'>): Row[] {
  return events.flatMap(({ at, actor, event }) => {
    const { change, person, reason } = event as Row;
    return change === 'reviewed' ? [{ at, person, by: actor, reason }] : [];
  });
}

function eventsOf({ events }: RunView, change: string): Row[] {
  return events.map(({ event }) => event as Row).filter((event) => event['change'] === change);
}

function deliveryKey({ dependencyId, versionId }: Row): string {
  return `${String(dependencyId)} ${String(versionId)}`;
}

export function rowsIn(value: unknown): Row[] {
  return (value ?? []) as Row[];
}

function isDuring(run: Row, { first, last }: Row): boolean {
  const ended = run['ended'] === null ? Number.POSITIVE_INFINITY : timeOf(run['ended']);
  return timeOf(last) >= timeOf(run['requested']) && timeOf(first) <= ended;
}

function timeOf(value: unknown): number {
  return new Date(String(value)).getTime();
}
