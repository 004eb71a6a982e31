/** PostgreSQL and Temporal, ready for rotor: embedded ones that die with this process, or the user's own. */
import { join } from 'node:path';
import { migrate } from '../migrate.js';
import type { TemporalAccess } from '../temporal-access.js';
import { connectTemporal } from '../temporal-connection.js';
import { prepareNamespace } from '../temporal-namespace.js';
import { openStateFolder } from './folders.js';
import { passwordIn } from './password.js';
import { startPostgres } from './postgres.js';
import { startTemporal } from './temporal.js';

export interface Servers {
  /** Logs in as the application's lesser role. */
  readonly databaseUrl: string;
  readonly databaseOwnerUrl: string;
  /** The log of the embedded PostgreSQL; absent where the database is the user's. */
  readonly postgresLog?: string;
  readonly temporalAddress: string;
  readonly temporalUiUrl?: string;
  /** Idempotent; leaves the user's own servers alone. */
  stop(): Promise<void>;
}

export interface ServersOptions {
  readonly stateFolder: string;
  /** False for tests and benchmarks: faster, and only a loss of power loses data. */
  readonly durable: boolean;
  /** A PostgreSQL of the user's instead of the embedded one. */
  readonly databaseUrl?: string;
  /** Who migrates the user's PostgreSQL; databaseUrl itself where absent. */
  readonly databaseOwnerUrl?: string;
  /** A Temporal of the user's instead of the embedded one. */
  readonly temporal?: TemporalAccess;
  readonly namespace?: string;
  readonly ui?: boolean;
}

interface Part {
  stop(): Promise<void>;
}
type DatabasePart = Part & Pick<Servers, 'databaseUrl' | 'databaseOwnerUrl' | 'postgresLog'>;
type TemporalPart = Part & Pick<Servers, 'temporalAddress' | 'temporalUiUrl'>;

/** Resolves when both answer, the database is migrated and the namespace prepared; stops what it started where one fails. */
export async function startServers(options: ServersOptions): Promise<Servers> {
  const stateFolder = openStateFolder(options.stateFolder);
  const parts = await Promise.allSettled([
    openDatabase({ ...options, stateFolder }),
    openTemporal({ ...options, stateFolder }),
  ]);
  const [database, temporal] = parts;
  if (database.status === 'fulfilled' && temporal.status === 'fulfilled') {
    const both = [database.value, temporal.value];
    return { ...database.value, ...temporal.value, stop: () => stopAll(both) };
  }
  await stopAll(parts.flatMap((part) => (part.status === 'fulfilled' ? [part.value] : [])));
  const reasons = parts.flatMap((part): unknown[] =>
    part.status === 'rejected' ? [part.reason] : [],
  );
  if (reasons.length === 1) throw reasons[0];
  throw new AggregateError(reasons, reasons.map(String).join('\n'));
}

async function stopAll(parts: readonly Part[]): Promise<void> {
  await Promise.all(parts.map((part) => part.stop()));
}

async function openDatabase(options: ServersOptions): Promise<DatabasePart> {
  return options.databaseUrl === undefined
    ? embedded(options)
    : theUsers(options, options.databaseUrl);
}

async function embedded({ stateFolder, durable }: ServersOptions): Promise<DatabasePart> {
  const postgres = await startPostgres({ stateFolder, durable });
  const password = passwordIn(join(stateFolder, 'postgres-app-password'));
  await stoppingOnFailure(postgres, () => migrate(postgres.ownerUrl, password));
  const url = new URL(postgres.ownerUrl);
  url.username = 'rotor_app';
  url.password = password;
  return {
    databaseUrl: url.href,
    databaseOwnerUrl: postgres.ownerUrl,
    postgresLog: postgres.log,
    stop: postgres.stop,
  };
}

/** The role rotor_app gets its login from us where the owner's URL is another one and the application's names that role. */
async function theUsers(
  { databaseOwnerUrl }: ServersOptions,
  databaseUrl: string,
): Promise<DatabasePart> {
  const ownerUrl = databaseOwnerUrl ?? databaseUrl;
  const { username, password } = new URL(databaseUrl);
  const isOurs = username === 'rotor_app' && ownerUrl !== databaseUrl && password !== '';
  await migrate(ownerUrl, isOurs ? decodeURIComponent(password) : undefined);
  return { databaseUrl, databaseOwnerUrl: ownerUrl, stop: () => Promise.resolve() };
}

async function openTemporal(options: ServersOptions): Promise<TemporalPart> {
  const { stateFolder, durable, namespace = 'default', temporal: given, ui = false } = options;
  if (given !== undefined) {
    await prepareAt(given, namespace);
    return { temporalAddress: given.address, stop: () => Promise.resolve() };
  }
  const temporal = await startTemporal({ stateFolder, durable, ui });
  await stoppingOnFailure(temporal, () => prepareAt(temporal, namespace));
  return {
    temporalAddress: temporal.address,
    ...(temporal.uiUrl !== undefined && { temporalUiUrl: temporal.uiUrl }),
    stop: temporal.stop,
  };
}

async function prepareAt(access: TemporalAccess, namespace: string): Promise<void> {
  const connection = await connectTemporal(access);
  try {
    await prepareNamespace(connection, namespace);
  } finally {
    await connection.close();
  }
}

async function stoppingOnFailure(part: Part, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await part.stop();
    throw error;
  }
}
