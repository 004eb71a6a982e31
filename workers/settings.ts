/** The one place that reads the environment and rotor.yaml: once, with all problems together. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { connectorKinds } from '../connectors/index.js';
import { RotorError, type Problem } from '../domain/errors.js';
import { usualTaskQueue } from '../domain/run.js';
import { packageRoot } from '../infra/package-root.js';
import { issuerKinds } from '../issuers/index.js';
import { checkConfiguration, type Configuration } from '../schemas/configuration.js';

/** Holds no secret: files of secrets are named, so that all of it can be printed. */
export interface Settings {
  readonly stateFolder: string;
  readonly databaseUrl: string | undefined;
  readonly databaseOwnerUrl: string | undefined;
  readonly temporalAddress: string | undefined;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly keyFile: string;
  readonly configuration: Configuration;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function readSettings(environment: Environment): Settings {
  const stateFolder = environment['ROTOR_STATE'] ?? join(packageRoot(), '.rotor');
  return Object.freeze({
    stateFolder,
    databaseUrl: ofFile(environment, 'DATABASE_URL'),
    databaseOwnerUrl: ofFile(environment, 'DATABASE_OWNER_URL'),
    temporalAddress: environment['TEMPORAL_ADDRESS'],
    namespace: environment['TEMPORAL_NAMESPACE'] ?? 'default',
    taskQueue: environment['ROTOR_TASK_QUEUE'] ?? usualTaskQueue,
    keyFile: environment['ROTOR_KEY_FILE'] ?? join(stateFolder, 'keys.json'),
    configuration: readConfiguration(environment['ROTOR_CONFIG'], stateFolder),
  });
}

/** A URL holds a password: by file where it can be. */
function ofFile(environment: Environment, name: string): string | undefined {
  const file = environment[`${name}_FILE`];
  if (file === undefined) return environment[name];
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    throw invalid(`${name}_FILE`, [{ path: file, message: 'cannot be read' }]);
  }
}

function invalid(what: string, problems: readonly Problem[]): RotorError {
  return new RotorError('configuration-invalid', `${what} is not usable`, {
    kind: 'invalid',
    problems,
  });
}

/** A file that is named must be there; without one, nothing is configured. */
function readConfiguration(named: string | undefined, stateFolder: string): Configuration {
  const file = named ?? join(stateFolder, 'rotor.yaml');
  if (named !== undefined && !existsSync(file))
    throw invalid(file, [{ path: 'ROTOR_CONFIG', message: 'there is no such file' }]);
  const checked = checkConfiguration(readYaml(file), { issuerKinds, connectorKinds });
  if ('value' in checked) return checked.value;
  throw invalid(file, checked.problems);
}

function readYaml(file: string): unknown {
  if (!existsSync(file)) return {};
  try {
    return parse(readFileSync(file, 'utf8')) as unknown;
  } catch {
    throw invalid(file, [{ path: file, message: 'is not YAML' }]);
  }
}
