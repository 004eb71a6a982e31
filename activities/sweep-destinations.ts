/** Looks at what destinations hold, and changes nothing there. Secrets that a run has are left to it. */
import { AdapterError } from '../domain/errors.js';
import type { KnownValue } from '../domain/connector.js';
import type { Finding } from '../domain/finding.js';
import type { SweptDependency, SweptSecret } from '../domain/sweep/facts.js';
import {
  abandonedPlaces,
  heldCodes,
  judgeAbandoned,
  judgeHeld,
  unreadable,
  type Held,
} from '../domain/sweep/held.js';
import type { Swept } from '../domain/sweep/progress.js';
import { inParallel } from '../domain/in-parallel.js';
import type { Ports } from './ports.js';
import { openValues } from './values.js';

const batch = 500;
const atOnce = 8;

export async function sweepDestinations(
  ports: Ports,
  { after }: { readonly after: string | undefined },
): Promise<Swept> {
  const { sweeps } = ports.registry;
  const secrets = await sweeps.read({ after, limit: batch });
  const looked: { secretId: string; findings: Finding[] }[] = [];
  await inParallel(
    secrets.filter((secret) => isLookedAt(secret)),
    atOnce,
    async (secret) => {
      looked.push({ secretId: secret.secretId, findings: await lookAt(ports, secret) });
    },
  );
  // What a run wrote while this looked is that run's.
  const busy = await sweeps.busy(looked.map(({ secretId }) => secretId));
  const told = await sweeps.write({
    lookedAt: secrets[0]?.now ?? new Date(0),
    codes: heldCodes,
    secrets: looked.filter(({ secretId }) => !busy.has(secretId)),
  });
  const next = secrets.length < batch ? undefined : secrets.at(-1)?.secretId;
  return { secrets: looked.length, ...told, next };
}

function isLookedAt({ busy, dependencies, retired }: SweptSecret): boolean {
  return !busy && dependencies.length + retired.length > 0;
}

async function lookAt(ports: Ports, secret: SweptSecret): Promise<Finding[]> {
  const sealed = secret.versions.filter(({ value }) => value === 'sealed');
  const known = await openValues(
    ports,
    sealed.map(({ versionId }) => versionId),
  );
  const findings: Finding[] = [];
  for (const dependency of secret.dependencies.filter(({ byPerson }) => !byPerson)) {
    const held = await readPlace(ports, dependency, known);
    findings.push(...('code' in held ? [held] : judgeHeld(secret, held)));
  }
  for (const dependency of abandonedPlaces(secret).filter(({ byPerson }) => !byPerson)) {
    const held = await readPlace(ports, dependency, known);
    // A place that nobody needs may well be gone.
    if (!('code' in held)) findings.push(...judgeAbandoned(secret, held));
  }
  return oncePerPlace(findings);
}

async function readPlace(
  ports: Ports,
  dependency: SweptDependency,
  known: readonly KnownValue[],
): Promise<Held | Finding> {
  const { destinationId, identity, address } = dependency;
  const destination = { destinationId, identity, address };
  try {
    const connector = ports.connector(dependency.connector);
    const { versionIds, unknown, onlyPast } = await connector.held(destination, known);
    const { holdsSeveral } = connector.traits(destination);
    const isEmpty = onlyPast ?? versionIds.length === 0;
    return { dependency, holdsSeveral, versionIds, isEmpty, unknown: unknown.length };
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    return unreadable(dependency, error);
  }
}

/** Two dependents of one destination are one thing to mend. */
function oncePerPlace(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((one) => [`${one.code} ${one.about}`, one])).values()];
}
