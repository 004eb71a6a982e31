/** The one place that reads the environment and rotor.yaml: once, with all problems together. */
import { createRequire } from 'node:module';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LineCounter, parse, parseDocument } from 'yaml';
import { connectorKinds } from '../connectors/index.js';
import { RotorError, type Problem } from '../domain/errors.js';
import { usualTaskQueue } from '../domain/run.js';
import { SecretValue } from '../domain/secret-value.js';
import { channelKinds } from '../infra/notify/index.js';
import { hasCode } from '../infra/error-code.js';
import { packageRoot } from '../infra/package-root.js';
import { issuerKinds } from '../issuers/index.js';
import { placeKinds } from '../places/index.js';
import { checkConfiguration, type Configuration } from '../schemas/configuration.js';
import { storeKinds } from '../stores/index.js';
import { ofFile, type Environment } from './environment.js';
import { readTemporal, type TemporalSettings } from './temporal-settings.js';

/** All of it can be printed: what is secret is wrapped, or named by its file. */
export interface Settings extends TemporalSettings {
  readonly stateFolder: string;
  readonly databaseUrl: SecretValue | undefined;
  readonly databaseOwnerUrl: SecretValue | undefined;
  readonly taskQueue: string;
  readonly keyFile: string;
  /** Where the configuration was read from; it may say something else by now. */
  readonly configurationFile: string;
  readonly configuration: Configuration;
}

/** @throws configuration-invalid with every problem of the environment and of rotor.yaml */
export function readSettings(environment: Environment): Settings {
  const problems: Problem[] = [];
  const tell = (problem: Problem): number => problems.push(problem);
  const read = {
    databaseUrl: wrapped(ofFile(environment, 'DATABASE_URL', tell)),
    databaseOwnerUrl: wrapped(ofFile(environment, 'DATABASE_OWNER_URL', tell)),
    ...readTemporal(environment, tell),
  };
  const taskQueue = environment['ROTOR_TASK_QUEUE'] ?? usualTaskQueue;
  return Object.freeze({ ...read, taskQueue, ...readFiles(environment, problems) });
}

export type FileSettings = Pick<
  Settings,
  'stateFolder' | 'keyFile' | 'configurationFile' | 'configuration'
>;

/** For what has to work where no server of rotor's does: the files alone, wherever its servers are said to be. */
export function readFiles(
  environment: Environment,
  problems: readonly Problem[] = [],
): FileSettings {
  const stateFolder = stateFolderOf(environment);
  const file = environment['ROTOR_CONFIG'] ?? join(stateFolder, 'rotor.yaml');
  const checked = readConfiguration(file, environment['ROTOR_CONFIG'] !== undefined);
  if (problems.length > 0 || 'problems' in checked)
    throw notUsable(problems, 'problems' in checked ? { file, ...checked } : undefined);
  const keyFile = environment['ROTOR_KEY_FILE'] ?? join(stateFolder, 'keys.json');
  return { stateFolder, keyFile, configurationFile: file, configuration: checked.value };
}

export function stateFolderOf(environment: Environment): string {
  return environment['ROTOR_STATE'] ?? join(packageRoot(), '.rotor');
}

function wrapped(text: string | undefined): SecretValue | undefined {
  return text === undefined ? undefined : new SecretValue(text);
}

/** For what needs nothing else: a health check runs where rotor.yaml is not. */
export function readTemporalOnly(environment: Environment): TemporalSettings {
  const problems: Problem[] = [];
  const read = readTemporal(environment, (problem) => problems.push(problem));
  if (problems.length > 0) throw notUsable(problems);
  return read;
}

interface BadFile {
  readonly file: string;
  readonly problems: readonly Problem[];
}

function notUsable(ofEnvironment: readonly Problem[], bad?: BadFile): RotorError {
  const places = [
    ...(ofEnvironment.length > 0 ? ['the environment'] : []),
    ...(bad === undefined ? [] : [bad.file]),
  ];
  return new RotorError('configuration-invalid', `not usable: ${places.join(' and ')}`, {
    kind: 'invalid',
    problems: [...ofEnvironment, ...(bad?.problems ?? [])],
  });
}

/** Whether the file names it now, right or wrong: what was read at the start is what counts. */
export function isNamedNow(
  { configurationFile: file }: Pick<Settings, 'configurationFile'>,
  part: 'issuers' | 'connectors',
  name: string,
): boolean {
  try {
    const document = parse(readFileSync(file, 'utf8')) as Record<string, unknown> | null;
    const named = document?.[part];
    return typeof named === 'object' && named !== null && Object.hasOwn(named, name);
  } catch {
    return false;
  }
}

type Checked = ReturnType<typeof checkConfiguration>;

/** A file that is named must be there; without one, nothing is configured. */
function readConfiguration(file: string, isNamed: boolean): Checked {
  if (isNamed && !existsSync(file))
    return { problems: [{ path: 'ROTOR_CONFIG', message: `there is no file ${file}` }] };
  const { problems, document } = readYaml(
    file,
    existsSync(file) ? readFileSync(file, 'utf8') : '{}',
  );
  if (problems.length > 0) return { problems };
  return checkConfiguration(document, {
    ...{ issuerKinds, connectorKinds, storeKinds, channelKinds, placeKinds },
    isInstalled,
  });
}

function readYaml(file: string, text: string) {
  const lines = new LineCounter();
  const parsed = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problems = parsed.errors.map(({ pos, message }) => {
    const { line, col } = lines.linePos(pos[0]);
    return { path: `${file}:${line}:${col}`, message: `is not YAML: ${message}` };
  });
  try {
    return { problems, document: problems.length > 0 ? undefined : (parsed.toJS() as unknown) };
  } catch {
    const message = 'is not YAML: an alias leads nowhere, or there are too many';
    return { problems: [{ path: file, message }], document: undefined };
  }
}

const { resolve } = createRequire(import.meta.url);

export function isInstalled(library: string): boolean {
  try {
    resolve(library);
    return true;
  } catch (error) {
    // One that is for `import` alone is found, and refused to `require`.
    return !hasCode(error, 'MODULE_NOT_FOUND');
  }
}
