/** What activities act through. Everything arrives as an argument, so that nothing here knows a product by name. */
import type { Campaigns } from '../domain/campaign.js';
import type { Change } from '../domain/change.js';
import type { Connector } from '../domain/connector.js';
import type { Discovery } from '../domain/discover/place.js';
import type { Issuer } from '../domain/issuer.js';
import type { Strays } from '../domain/recovery.js';
import type { FactsChanged } from '../domain/run.js';
import type { Registry } from '../domain/registry.js';
import type { Scheduler } from '../domain/scheduler.js';
import type { SecretValue } from '../domain/secret-value.js';
import { toldBeside } from '../domain/steps/beside.js';
import type { Store } from '../domain/store.js';

export interface Ports {
  readonly registry: Registry;
  readonly store: Store;
  readonly campaigns: Campaigns;
  readonly scheduler: Scheduler;
  readonly strays: Strays;
  readonly discovery: Discovery;
  /** By the instance's name in rotor's configuration. */
  issuer(name: string): Issuer;
  connector(kind: string): Connector;
  newId(): string;
  /** A value for issuers that let us choose it: 256 bits at least. */
  newValue(): SecretValue;
  /** Under which a value that was displaced at the place is kept: the same for the same value there, always. */
  keptId(place: string, value: SecretValue): string;
  /** Wakes the run of the secret, if there is one. */
  tell(secretId: string, change: FactsChanged): Promise<void>;
  /** Called at named points, so that tests can kill the process there. */
  reached(point: string): void;
  /** Value-free: which step, which error code. */
  warn(message: string, about: Readonly<Record<string, unknown>>): void;
}

export interface OfRun {
  readonly runId: string;
}

/** Records what happened, whatever the facts are by now; a run that was superseded records nothing. */
export async function record(
  { registry }: Ports,
  runId: string,
  changes: readonly Change[],
): Promise<void> {
  await registry.decide(runId, () => ({ result: undefined, changes }));
}

/** As {@link record}, but for what would hide that the run is held by a dependent of the same wave. */
export async function recordBeside(
  { registry }: Ports,
  runId: string,
  changes: readonly Change[],
): Promise<void> {
  await registry.decide(runId, (facts) => ({
    result: undefined,
    changes: toldBeside(facts, changes),
  }));
}
