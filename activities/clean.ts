/** Removes dead versions from every destination, and then destroys their values. */
import { AdapterError } from '../domain/errors.js';
import type { KnownValue } from '../domain/connector.js';
import type { DependencyFacts, Facts } from '../domain/facts.js';
import type { Answer } from '../domain/run.js';
import { finishClean, mayClean, versionsToForget, type Cleaned } from '../domain/steps/finish.js';
import { destinationFor, sealedVersionIds } from '../domain/steps/update.js';
import { untilDeadline } from './deadline.js';
import type { OfRun, Ports } from './ports.js';
import { openValues } from './values.js';

/** A destination that cannot be cleaned is a finding, and the next run tries again; it does not hold the secret's lock. */
export async function clean(ports: Ports, { runId }: OfRun): Promise<Answer> {
  const facts = await ports.registry.read(runId);
  const changed = mayClean(facts);
  if (changed !== undefined) return changed;
  const cleaned = await forgetEverywhere(ports, facts);
  ports.reached('clean:forgotten');
  for (const versionId of cleaned.forgotten) await ports.store.destroy(versionId);
  return ports.registry.decide(runId, (now) => finishClean(now, cleaned));
}

async function forgetEverywhere(ports: Ports, facts: Facts): Promise<Cleaned> {
  const dead = versionsToForget(facts).map(({ versionId }) => versionId);
  const failures: { about: string; message: string }[] = [];
  if (dead.length === 0) return { forgotten: [], failures };
  const known = await openValues(ports, sealedVersionIds(facts));
  for (const dependency of facts.dependencies) {
    const failure = await forgetAt({ ports, facts, dependency, known }, dead);
    if (failure !== undefined) failures.push({ about: dependency.identity, message: failure });
  }
  return { forgotten: failures.length > 0 ? [] : dead, failures };
}

interface Place {
  readonly ports: Ports;
  readonly facts: Facts;
  readonly dependency: DependencyFacts;
  readonly known: readonly KnownValue[];
}

async function forgetAt(
  { ports, facts, dependency, known }: Place,
  dead: readonly string[],
): Promise<string | undefined> {
  const connector = ports.connector(dependency.connector);
  const destination = destinationFor({ dependency });
  const signal = untilDeadline(new Date(Date.now() + facts.policy.timeouts.deliverMs));
  try {
    const { versionIds } = await connector.held(destination, known);
    const left = known.filter(
      ({ versionId }) => dead.includes(versionId) && versionIds.includes(versionId),
    );
    for (const version of left) await connector.forget({ destination, version, known, signal });
    return undefined;
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    return `${dependency.dependent}: ${error.message} (${error.code})`;
  }
}
