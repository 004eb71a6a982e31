/** Moves a batch of dependents to the version of the plan: each destination leased, written, read back and proven. */
import { sleep } from '@temporalio/activity';
import type {
  Connector,
  ConnectorTraits,
  Destination,
  HeldVersions,
  KnownValue,
} from '../domain/connector.js';
import { AdapterError, isPassing } from '../domain/errors.js';
import { isAtLeast, type Evidence } from '../domain/evidence.js';
import type { Answer } from '../domain/run.js';
import {
  beginDelivery,
  confirmAlone,
  destinationFor,
  finishDelivery,
  type DeliveryOrder,
  type DeliveryOutcome,
} from '../domain/steps/update.js';
import { notProven, prove, type AfterDelivery } from '../domain/steps/prove.js';
import { within } from './deadline.js';
import { sealDisplaced } from './displaced.js';
import { hasEnded } from './failures.js';
import { recordBeside, type OfRun, type Ports } from './ports.js';
import { readUse } from './use.js';
import { openValues } from './values.js';

export interface Batch extends OfRun {
  readonly dependencyIds: readonly string[];
}

/** A repair has this long: the newer delivery may still be under way beside it. */
const repairMs = 10_000;
/** Looks this long for evidence before the workflow takes over the waiting. */
const lookMs = 5_000;
/** A destination that attests is asked again after this. */
const askAgainMs = 30_000;

export async function update(ports: Ports, { runId, dependencyIds }: Batch): Promise<Answer> {
  if (dependencyIds.length === 0) return ports.registry.decide(runId, confirmAlone);
  const answers = await Promise.all(dependencyIds.map((id) => move({ ports, runId, id })));
  return worst(answers);
}

const severity = { done: 0, wait: 1, blocked: 2, replan: 3 } as const;

/** One answer for the batch: a changed plan before a blocked one, a blocked one before waiting; who waits least long first. */
function worst(answers: readonly Answer[]): Answer {
  const told = answers.map((answer) => answer.told).join('; ');
  const [first] = [...answers].sort(
    (a, b) => severity[b.kind] - severity[a.kind] || untilOf(a) - untilOf(b),
  );
  return first === undefined || first.kind === 'done' ? { kind: 'done', told } : first;
}

function untilOf(answer: Answer): number {
  return answer.kind === 'wait' ? new Date(answer.until).getTime() : 0;
}

interface Move {
  readonly ports: Ports;
  readonly runId: string;
  readonly id: string;
}

async function move(it: Move): Promise<Answer> {
  const { ports, runId, id } = it;
  const order = await ports.registry.decide(runId, (facts) => beginDelivery(facts, id), {
    dependencyId: id,
  });
  if (order.kind === 'answer') {
    ports.reached('update:answered');
    return order.answer;
  }
  ports.reached('update:leased');
  const signal = within(order.withinMs);
  const outcome = await attempt(it, order, signal);
  ports.reached('update:delivered');
  if (outcome.kind === 'delivered' && !isAtLeast(outcome.evidence, order.needs))
    await lookForUse(ports, order);
  return finish(it, order, outcome);
}

/** Who uses it at once has moved at once. What cannot be read now is read while it is waited for. */
async function lookForUse(ports: Ports, { use, dependency }: DeliveryOrder): Promise<void> {
  try {
    await readUse(ports, use, dependency.dependencyId);
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
  }
}

async function finish(it: Move, order: DeliveryOrder, outcome: DeliveryOutcome): Promise<Answer> {
  const { ports, runId } = it;
  try {
    const after = await ports.registry.decide(runId, (facts) =>
      finishDelivery(facts, order, outcome),
    );
    return await follow(it, order, after);
  } catch (error) {
    // A run that has ended meanwhile may not decide any more; what it wrote late it still puts right.
    const repaired = hasEnded(error) ? await repairIfOvertaken(it, order) : undefined;
    if (repaired !== undefined) return repaired;
    throw error;
  }
}

async function follow(it: Move, order: DeliveryOrder, after: AfterDelivery): Promise<Answer> {
  switch (after.kind) {
    case 'moved':
      return { kind: 'done', told: after.told };
    case 'failed':
      if (after.passing) throw new AdapterError('unreachable', after.answer.told);
      return after.answer;
    case 'overtaken':
      return (await repairIfOvertaken(it, order)) ?? { kind: 'replan', told: 'overtaken' };
    case 'contested':
      return waitFor(after);
    case 'unproven':
      return waitForProof(it, order, after.until);
  }
}

/** A newer generation was leased while this one wrote: the destination gets that one's version, unless it is dead. */
async function repairIfOvertaken(it: Move, order: DeliveryOrder): Promise<Answer | undefined> {
  const { registry, tell } = it.ports;
  const { destinationId } = order.dependency;
  let seen = order.generation;
  for (;;) {
    const newest = await registry.newestLease(destinationId);
    if (newest === undefined || newest.generation <= seen) break;
    if (newest.deliverable) await putRight(it.ports, order, newest.versionId);
    seen = newest.generation;
  }
  if (seen === order.generation) return undefined;
  // From here on this delivery writes nothing more: whoever waits for it need not wait for its deadline.
  await registry.settleDelivery(destinationId, order.generation);
  await tell(order.use.secret.secretId, { what: 'delivery-settled', by: 'update' });
  return { kind: 'replan', told: 'a newer delivery came between' };
}

/** Nothing is sealed and nobody is asked: the run is over, and its cancellation must not stop this. */
async function putRight(ports: Ports, order: DeliveryOrder, versionId: string): Promise<void> {
  const known = await openValues(ports, [...new Set([...order.known, versionId])]);
  const version = known.find((value) => value.versionId === versionId);
  if (version === undefined) return;
  const destination = destinationFor(order);
  const signal = AbortSignal.timeout(repairMs);
  await ports
    .connector(order.dependency.connector)
    .deliver({ destination, version, known, signal });
}

async function attempt(
  it: Move,
  order: DeliveryOrder,
  signal: AbortSignal,
): Promise<DeliveryOutcome> {
  try {
    return { kind: 'delivered', evidence: await write(it, order, signal) };
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    const { code, message: said } = error;
    return { kind: 'failed', code, said, passing: isPassing(code) };
  }
}

/** Just before the write: who is no longer the newest, or withheld from meanwhile, is not written to. */
async function refuseOvertaken({ ports }: Move, order: DeliveryOrder): Promise<void> {
  const newest = await ports.registry.newestLease(order.dependency.destinationId);
  if (newest === undefined) return;
  if (newest.withheld && !order.isBack)
    throw new AdapterError('changed-meanwhile', 'the dependent is given no new value');
  if (newest.generation === order.generation) return;
  throw new AdapterError('changed-meanwhile', 'a newer delivery has the destination');
}

async function write(it: Move, order: DeliveryOrder, signal: AbortSignal): Promise<Evidence> {
  const { ports, runId } = it;
  const connector = ports.connector(order.dependency.connector);
  const destination = destinationFor(order);
  const known = await openValues(ports, order.known);
  const version = known.find(({ versionId }) => versionId === order.version.versionId);
  if (version === undefined)
    throw new AdapterError('value-lost', 'the value to deliver is not sealed');
  const before = await heldBefore(connector, destination, known);
  if (before === undefined || inUse(before) !== version.versionId) {
    known.push(...(await sealDisplaced({ ports, runId, order }, before?.unknown ?? [])));
    ports.reached('update:write');
    await refuseOvertaken(it, order);
    if (signal.aborted) throw new AdapterError('timed-out', 'the time to write was over');
    await connector.deliver({ destination, version, known, signal });
  }
  return readBack(connector, destination, { known, version });
}

function inUse({ versionIds, onlyPast }: HeldVersions): string | undefined {
  return onlyPast === true ? undefined : versionIds[0];
}

interface Wanted {
  readonly known: readonly KnownValue[];
  readonly version: KnownValue;
}

/** A place that cannot be read before it was ever written is simply written. */
async function heldBefore(
  connector: Connector,
  destination: Destination,
  known: readonly KnownValue[],
): Promise<HeldVersions | undefined> {
  try {
    return await connector.held(destination, known);
  } catch (error) {
    if (error instanceof AdapterError && error.code === 'unreadable') return undefined;
    throw error;
  }
}

async function readBack(
  connector: Connector,
  destination: Destination,
  { known, version }: Wanted,
): Promise<Evidence> {
  const held = await connector.held(destination, known);
  if (inUse(held) !== version.versionId) {
    throw new AdapterError(
      'wrong-version',
      'the destination does not hold the version that was written',
    );
  }
  return held.attests === version.versionId ? 'attested' : 'read-back';
}

async function waitForProof(it: Move, order: DeliveryOrder, until: Date): Promise<Answer> {
  const { ports, runId, id } = it;
  const connector = ports.connector(order.dependency.connector);
  const destination = destinationFor(order);
  await exercise(it, order, until);
  const stop = Math.min(until.getTime(), Date.now() + lookMs);
  let pauseMs = 25;
  for (;;) {
    await sleep(Math.min(pauseMs, Math.max(1, stop - Date.now())));
    pauseMs = Math.min(pauseMs * 2, 500);
    await readUse(ports, order.use, id);
    const given = await attested(ports, order);
    const after = await ports.registry.decide(runId, (facts) => prove(facts, order, given));
    if (after.kind === 'moved') return { kind: 'done', told: after.told };
    if (after.kind === 'contested') return waitFor(after);
    if (Date.now() >= stop) break;
  }
  if (Date.now() < until.getTime()) {
    const told = `waiting for ${order.dependency.dependent} to use the new version`;
    return waitFor({ until: lookAgainAt(connector.traits(destination), until), told });
  }
  return ports.registry.decide(runId, (facts) => notProven(facts, id));
}

/** Causes one real use, where that is possible. That it fails is told, and stops nothing: use may come by itself. */
async function exercise({ ports, runId }: Move, order: DeliveryOrder, until: Date): Promise<void> {
  const { connector: kind, dependent } = order.dependency;
  try {
    await ports.connector(kind).exercise?.(destinationFor(order), within(lookMs));
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    const told = `${dependent} could not be made to use the new version (${error.code}); waiting for it to do so by itself`;
    await recordBeside(ports, runId, [{ change: 'run-waits', code: 'waiting', told, until }]);
  }
}

/** Use is told to the run when it is seen; what a destination attests has to be asked for. */
function lookAgainAt({ evidence }: ConnectorTraits, until: Date): Date {
  if (evidence !== 'attested') return until;
  return new Date(Math.min(until.getTime(), Date.now() + askAgainMs));
}

function waitFor({ until, told }: { readonly until: Date; readonly told: string }): Answer {
  return { kind: 'wait', until: until.toISOString(), told };
}

async function attested(ports: Ports, order: DeliveryOrder): Promise<Evidence> {
  const connector = ports.connector(order.dependency.connector);
  const destination = destinationFor(order);
  if (connector.traits(destination).evidence !== 'attested') return 'read-back';
  const known = await openValues(ports, [order.version.versionId]);
  const held = await connector.held(destination, known);
  return held.attests === order.version.versionId ? 'attested' : 'read-back';
}
