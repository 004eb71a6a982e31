/** Removes dead versions from every destination, and then destroys their values. */
import { AdapterError, RotorError } from '../domain/errors.js';
import type { KnownValue } from '../domain/connector.js';
import type { DependencyFacts, Facts } from '../domain/facts.js';
import type { Answer } from '../domain/run.js';
import {
  finishClean,
  mayClean,
  nothingFollows,
  recordCleaned,
  versionsToForget,
  type Cleaned,
} from '../domain/steps/finish.js';
import { destinationFor, sealedVersionIds } from '../domain/steps/update.js';
import { within } from './deadline.js';
import { isOver } from './failures.js';
import type { OfRun, Ports } from './ports.js';
import { openValues } from './values.js';

/** A destination that cannot be cleaned is a finding with its own retries; it does not hold the secret's lock. */
export async function clean(ports: Ports, { runId }: OfRun): Promise<Answer> {
  try {
    return await cleanNow(ports, runId);
  } catch (error) {
    // What an attempt whose answer was lost left behind is not known: it is looked for.
    if (isOver(error)) return { kind: 'done', told: 'the run is over', leftBehind: 1 };
    throw error;
  } finally {
    ports.reached('clean:ended');
  }
}

async function cleanNow(ports: Ports, runId: string): Promise<Answer> {
  const facts = await ports.registry.read(runId);
  const changed = mayClean(facts);
  if (changed !== undefined) return changed;
  const cleaned = await cleanEverywhere(ports, facts);
  return ports.registry.decide(runId, (now) => finishClean(now, cleaned));
}

/** What a run left behind, tried again until nothing is left; no run holds it, and a later one may come before. */
export async function cleanLeftovers(
  ports: Ports,
  { secretId }: { readonly secretId: string },
): Promise<void> {
  const facts = await ports.registry.decideAlone(secretId, (now) => ({ result: now, changes: [] }));
  const cleaned = await cleanEverywhere(ports, facts);
  await ports.registry.decideAlone(secretId, (now) => ({
    result: undefined,
    changes: recordCleaned(now, cleaned),
  }));
  const [first] = cleaned.failures;
  if (first !== undefined)
    throw new RotorError('left-behind', first.message, { kind: 'unavailable' });
}

async function cleanEverywhere(ports: Ports, facts: Facts): Promise<Cleaned> {
  const cleaned = await forgetEverywhere(ports, facts);
  ports.reached('clean:forgotten');
  for (const versionId of cleaned.forgotten) await ports.store.destroy(versionId);
  return cleaned;
}

async function forgetEverywhere(ports: Ports, facts: Facts): Promise<Cleaned> {
  const dead = versionsToForget(facts).map(({ versionId }) => versionId);
  const cleaned: string[] = [];
  const failures: { about: string; message: string }[] = [];
  if (dead.length === 0) return { forgotten: [], cleaned, failures };
  const known = await openValues(ports, sealedVersionIds(facts));
  // What a person has at a place, a person removes: they are asked when this is recorded.
  const written = facts.dependencies.filter(({ assignment }) => assignment === undefined);
  for (const dependency of written) {
    const failure = await forgetAt({ ports, facts, dependency, known }, dead);
    if (failure === undefined) cleaned.push(dependency.identity);
    else failures.push({ about: dependency.identity, message: failure });
  }
  return { forgotten: failures.length > 0 ? [] : dead, cleaned, failures };
}

interface Place {
  readonly ports: Ports;
  readonly facts: Facts;
  readonly dependency: DependencyFacts;
  readonly known: readonly KnownValue[];
}

async function forgetAt(place: Place, dead: readonly string[]): Promise<string | undefined> {
  const { ports, facts, dependency, known } = place;
  const connector = ports.connector(dependency.connector);
  const destination = destinationFor({ dependency });
  const signal = within(facts.policy.timeouts.deliverMs);
  try {
    const { versionIds } = await connector.held(destination, known);
    const left = known.filter(
      ({ versionId }) => dead.includes(versionId) && versionIds.includes(versionId),
    );
    const verb = nothingFollows(facts) ? 'withdraw' : 'forget';
    for (const version of left) await connector[verb]({ destination, version, known, signal });
    return left.length === 0 ? undefined : await stillThere(place, dead);
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    return `${dependency.dependent}: ${error.message} (${error.code})`;
  }
}

/** A place of one value keeps it until it is given another: whoever was left out still holds what is dead. */
async function stillThere(
  { ports, dependency, known }: Place,
  dead: readonly string[],
): Promise<string | undefined> {
  const connector = ports.connector(dependency.connector);
  const { versionIds } = await connector.held(destinationFor({ dependency }), known);
  if (!versionIds.some((versionId) => dead.includes(versionId))) return undefined;
  const { dependent, withheld } = dependency;
  const until = withheld === undefined ? 'a rotation displaces it' : 'it is released and rotated';
  return `${dependent} still holds a revoked version, until ${until}`;
}
