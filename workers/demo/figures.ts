/** What the demo of a rotation and a leak measured, and whether it is what rotor promises. */
export interface Figures {
  readonly requests: number;
  readonly refusedRequestsOfDeclaredDependents: number;
  readonly lostRequests: number;
  readonly undeclaredFound: boolean;
  readonly oldValueRefused: boolean;
  readonly revokedUseFound: boolean;
  readonly revokedUseFoundMilliseconds: number;
  readonly containMilliseconds: number;
  readonly outageMillisecondsPerDependent: Readonly<Record<string, number>>;
  readonly orphans: number;
  readonly auditVerified: boolean;
  readonly plaintextHits: number;
  readonly secondsToReady: number;
  readonly secondsTotal: number;
}

/** What rotor promises, and whether it held. */
export type Promised = readonly [promise: string, holds: boolean];

const longestContainMs = 250;

export function promisesOf(figures: Figures): Promised[] {
  return [
    [
      'no declared dependent is refused in a rotation',
      figures.refusedRequestsOfDeclaredDependents === 0,
    ],
    ['the undeclared user is found', figures.undeclaredFound],
    ['the old value is refused', figures.oldValueRefused],
    ['a late use is found within a second', figures.revokedUseFound],
    [
      `a compromise is contained within ${longestContainMs} ms`,
      figures.containMilliseconds <= longestContainMs,
    ],
    ['no credential is lost or orphaned', figures.orphans === 0],
    ['the audit trail is complete', figures.auditVerified],
    ['no value stands in clear anywhere', figures.plaintextHits === 0],
  ];
}

export function figuresText(figures: object): string {
  return Object.entries(figures)
    .map(([name, value]) => {
      const text =
        typeof value === 'object'
          ? JSON.stringify(value).replaceAll(/["{}]/g, '').replaceAll(',', ', ')
          : String(value);
      return `  ${name.padEnd(38)} ${text}`;
    })
    .join('\n');
}
