/** What the demo of an incident measured, and whether it is what rotor promises. */
import type { Promised } from './figures.js';

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((one, other) => one - other);
  const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  return { min: sorted[0] ?? 0, median, max: sorted.at(-1) ?? 0 };
}

export interface IncidentFigures {
  readonly secrets: number;
  readonly held: number;
  readonly planned: number;
  readonly contained: number;
  readonly refusedBeforeTheWorkerWasKilled: number;
  readonly watchExitCode: number;
  readonly commandToRefusedMilliseconds: Spread;
  readonly requestToRefusedMilliseconds: Spread;
  readonly neverHeld: number;
  readonly neverHeldStillAccepted: number;
  readonly refusedRequestsOfNeverHeld: number;
  readonly outageMillisecondsPerDependent: Readonly<Record<string, number>>;
  readonly othersWork: boolean;
  readonly valuesThatReachedTheHost: number;
  readonly releaseAndRotationsToWorkingMilliseconds: number;
  readonly requests: number;
  readonly orphans: number;
  readonly auditVerified: boolean;
  readonly plaintextHits: number;
  readonly secondsToReady: number;
  readonly secondsTotal: number;
}

/** With a worker that dies on the way and has to come back. */
const longestContainMs = 30_000;

export function promisesOfIncident(figures: IncidentFigures): Promised[] {
  const { held, neverHeld } = figures;
  return [
    ['what the host held is found, now and once', figures.planned === held],
    ['all of it is contained', figures.contained === held && figures.watchExitCode === 0],
    [
      'the worker died in the middle of it',
      figures.refusedBeforeTheWorkerWasKilled > 0 && figures.refusedBeforeTheWorkerWasKilled < held,
    ],
    [
      `each of them within ${longestContainMs} ms`,
      figures.commandToRefusedMilliseconds.max <= longestContainMs,
    ],
    [
      'what the host never held stays as it was',
      figures.neverHeldStillAccepted === neverHeld && figures.refusedRequestsOfNeverHeld === 0,
    ],
    ['everybody else works again', figures.othersWork],
    ['nothing new reaches the host before it is released', figures.valuesThatReachedTheHost === 0],
    ['no credential is lost or orphaned', figures.orphans === 0],
    ['the audit trail is complete', figures.auditVerified],
    ['no value stands in clear anywhere', figures.plaintextHits === 0],
  ];
}
