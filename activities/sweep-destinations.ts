/** Looks at what destinations hold, and writes nothing there. Secrets that a run has are left to it. */
import { AdapterError, isPassing } from '../domain/errors.js';
import type { KnownValue } from '../domain/connector.js';
import type { Finding } from '../domain/finding.js';
import type { SweptDependency, SweptSecret } from '../domain/sweep/facts.js';
import {
  abandonedPlaces,
  heldCodes,
  isGivenUp,
  judgeAbandoned,
  judgeHeld,
  notAsked,
  unreadable,
  type Held,
} from '../domain/sweep/held.js';
import type { DestinationsSwept, Trouble } from '../domain/sweep/progress.js';
import { inParallel } from '../domain/in-parallel.js';
import type { Ports } from './ports.js';
import { openValues } from './values.js';

const batch = 500;
const atOnce = 8;

export interface DestinationSweep {
  readonly after: string | undefined;
  /** No secret is begun later; undefined in what was asked before this was said. */
  readonly forMs?: number;
  /** In the batches before. */
  readonly trouble?: Trouble;
}

interface Looking {
  readonly ports: Ports;
  readonly trouble: Record<string, number>;
}

/** Bounded by time too: places that answer slowly make smaller batches, and not one that never ends. */
export async function sweepDestinations(
  ports: Ports,
  { after, forMs = 120_000, trouble = {} }: DestinationSweep,
): Promise<DestinationsSwept> {
  const { sweeps } = ports.registry;
  const secrets = await sweeps.read({ after, limit: batch });
  const due = secrets.filter((secret) => isLookedAt(secret));
  const looking = { ports, trouble: { ...trouble } };
  const looked: { secretId: string; findings: Finding[] }[] = [];
  const stop = Date.now() + forMs;
  let begun = 0;
  await inParallel(due, atOnce, async (secret) => {
    // In their order: what is not begun is all that comes after.
    if (begun > 0 && Date.now() >= stop) return;
    begun += 1;
    looked.push({ secretId: secret.secretId, findings: await lookAt(looking, secret) });
  });
  // What a run wrote while this looked is that run's.
  const busy = await sweeps.busy(looked.map(({ secretId }) => secretId));
  const told = await sweeps.write({
    lookedAt: secrets[0]?.now ?? new Date(0),
    codes: heldCodes,
    secrets: looked.filter(({ secretId }) => !busy.has(secretId)),
  });
  const last = begun < due.length ? due[begun - 1] : secrets[batch - 1];
  return { secrets: looked.length, ...told, next: last?.secretId, trouble: looking.trouble };
}

function isLookedAt({ busy, dependencies, retired }: SweptSecret): boolean {
  return !busy && dependencies.length + retired.length > 0;
}

async function lookAt(looking: Looking, secret: SweptSecret): Promise<Finding[]> {
  const sealed = secret.versions.filter(({ value }) => value === 'sealed');
  const known = await openValues(
    looking.ports,
    sealed.map(({ versionId }) => versionId),
  );
  const findings: Finding[] = [];
  for (const dependency of secret.dependencies.filter(({ byPerson }) => !byPerson)) {
    const held = await readPlace(looking, dependency, known);
    findings.push(...('code' in held ? [held] : judgeHeld(secret, held)));
  }
  for (const dependency of abandonedPlaces(secret).filter(({ byPerson }) => !byPerson)) {
    const held = await readPlace(looking, dependency, known);
    // A place that nobody needs may well be gone.
    if (!('code' in held)) findings.push(...judgeAbandoned(secret, held));
  }
  return oncePerPlace(findings);
}

async function readPlace(
  { ports, trouble }: Looking,
  dependency: SweptDependency,
  known: readonly KnownValue[],
): Promise<Held | Finding> {
  const { destinationId, identity, address, connector: kind } = dependency;
  if (isGivenUp(trouble[kind])) return notAsked(dependency);
  const destination = { destinationId, identity, address };
  try {
    const connector = ports.connector(kind);
    const { versionIds, unknown, onlyPast } = await connector.held(destination, known);
    trouble[kind] = 0;
    const { holdsSeveral } = connector.traits(destination);
    const isEmpty = onlyPast ?? versionIds.length === 0;
    return { dependency, holdsSeveral, versionIds, isEmpty, unknown: unknown.length };
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    if (isPassing(error.code)) trouble[kind] = (trouble[kind] ?? 0) + 1;
    return unreadable(dependency, error);
  }
}

/** Two dependents of one destination are one thing to mend. */
function oncePerPlace(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((one) => [`${one.code} ${one.about}`, one])).values()];
}
