/** Where Temporal is and what it wants to see, from the variables that all of Temporal's own tools read. */
import { existsSync } from 'node:fs';
import { loadClientConfigProfile, type ClientConfigProfile } from '@temporalio/envconfig';
import type { Problem } from '../domain/errors.js';
import { SecretValue } from '../domain/secret-value.js';
import { isLoopback, usualTemporal, type TemporalAccess } from '../infra/temporal-access.js';
import { ofFile, type Environment, type Tell } from './environment.js';
import { readTls } from './temporal-tls.js';

export interface TemporalSettings {
  /** Absent where no address is given. */
  readonly temporal: TemporalAccess | undefined;
  readonly namespace: string;
}

export function readTemporal(environment: Environment, tell: Tell): TemporalSettings {
  const profile = readProfile(unambiguous(environment, tell), tell);
  const { namespace = 'default', tls: named, apiKey } = profile;
  const isOff = named?.disabled === true || (named === undefined && apiKey === undefined);
  const tls = isOff ? undefined : readTls(named ?? {}, tell);
  const address = addressOf(profile, tell);
  for (const problem of contradictions(profile, { address, isOff })) tell(problem);
  if (address === undefined) return { temporal: undefined, namespace };
  return {
    temporal: Object.freeze({ address, ...(tls && { tls }), ...shownTo(profile) }),
    namespace,
  };
}

/** What rotor shows of itself in each call. */
function shownTo({ apiKey, grpcMeta }: ClientConfigProfile): Partial<TemporalAccess> {
  const headers = Object.entries(grpcMeta ?? {}).map(
    ([name, value]) => [name, new SecretValue(value)] as const,
  );
  return {
    ...(apiKey !== undefined && { apiKey: new SecretValue(apiKey) }),
    ...(headers.length > 0 && { metadata: Object.fromEntries(headers) }),
  };
}

/** Temporal's own reader passes over in silence, or takes for `false`, what it does not understand. */
function unambiguous(environment: Environment, tell: Tell): Record<string, string> {
  const given = Object.fromEntries(Object.entries(environment).flatMap(temporals));
  const apiKey = ofFile(given, 'TEMPORAL_API_KEY', tell);
  const meant = {
    ...given,
    ...(apiKey !== undefined && { TEMPORAL_API_KEY: apiKey }),
    ...('TEMPORAL_TLS' in given && { TEMPORAL_TLS: given['TEMPORAL_TLS']?.toLowerCase() ?? '' }),
  };
  const problems = misunderstood(meant);
  for (const problem of problems) tell(problem);
  // Set to false, this one would switch TLS on.
  const dropped = new Set([...problems.map(({ path }) => path), noVerification]);
  return Object.fromEntries(Object.entries(meant).filter(([name]) => !dropped.has(name)));
}

/** An empty variable is one that is not set, as docker-compose.yml passes on what is absent. */
function temporals([name, value]: readonly [string, string | undefined]): [string, string][] {
  if (value === undefined || (value === '' && name.startsWith('TEMPORAL_'))) return [];
  return [[name, value]];
}

const noVerification = 'TEMPORAL_TLS_DISABLE_HOST_VERIFICATION';

const sources = [
  'TEMPORAL_TLS_CLIENT_CERT',
  'TEMPORAL_TLS_CLIENT_KEY',
  'TEMPORAL_TLS_SERVER_CA_CERT',
] as const;

function misunderstood(given: Readonly<Record<string, string>>): Problem[] {
  const problems: Problem[] = sources
    .filter((name) => `${name}_PATH` in given && `${name}_DATA` in given)
    .map((name) => ({ path: `${name}_DATA`, message: `is given as ${name}_PATH too` }));
  if (!/^(true|false|1|0)$/.test(given['TEMPORAL_TLS'] ?? 'true'))
    problems.push({ path: 'TEMPORAL_TLS', message: 'is neither true nor false' });
  if (/^(1|true)$/i.test(given[noVerification] ?? ''))
    problems.push({
      path: noVerification,
      message: 'is not possible: the server is always verified',
      hint: 'name what its certificate holds in TEMPORAL_TLS_SERVER_NAME',
    });
  const file = given['TEMPORAL_CONFIG_FILE'];
  if (file !== undefined && !existsSync(file))
    problems.push({ path: 'TEMPORAL_CONFIG_FILE', message: `there is no file ${file}` });
  return problems;
}

/** A file of profiles is read where one is asked for; the one in the home folder belongs to another tool. */
function readProfile(given: Record<string, string>, tell: Tell): ClientConfigProfile {
  const isNamed = 'TEMPORAL_CONFIG_FILE' in given || 'TEMPORAL_PROFILE' in given;
  try {
    return loadClientConfigProfile({ overrideEnvVars: given, disableFile: !isNamed });
  } catch {
    // The reader's own words may quote the file, key and all.
    tell({
      path: 'TEMPORAL_CONFIG_FILE',
      message: 'is not TOML, has no such profile, or gives something as path and as data',
      hint: 'TEMPORAL_PROFILE chooses the profile',
    });
    return loadClientConfigProfile({ overrideEnvVars: given, disableFile: true });
  }
}

/** With the usual port where none is given. */
function addressOf({ address }: ClientConfigProfile, tell: Tell): string | undefined {
  if (address === undefined) return undefined;
  const url = URL.canParse(`tcp://${address}`) ? new URL(`tcp://${address}`) : undefined;
  if (url === undefined || url.hostname === '' || url.host !== url.href.slice('tcp://'.length)) {
    tell({ path: 'TEMPORAL_ADDRESS', message: 'is not HOST:PORT' });
    return undefined;
  }
  return url.port === '' ? `${url.hostname}:7233` : address;
}

interface Meaning {
  readonly address: string | undefined;
  readonly isOff: boolean;
}

function contradictions(profile: ClientConfigProfile, { address, isOff }: Meaning): Problem[] {
  const { apiKey } = profile;
  const isShown = apiKey !== undefined || !isOff;
  return [
    ...(profile.address === undefined && isShown ? [nowhere] : []),
    ...(apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey) ? [notOneWord] : []),
    ...(isOff ? unencrypted(profile, address) : []),
  ];
}

const nowhere = { path: 'TEMPORAL_ADDRESS', message: 'is not set, though an API key or TLS is' };
const notOneWord = { path: 'TEMPORAL_API_KEY', message: 'is empty, or more than one word' };

function unencrypted({ apiKey, tls }: ClientConfigProfile, address = usualTemporal.address) {
  const problems: Problem[] = [];
  if (apiKey !== undefined && !isLoopback(address))
    problems.push({
      path: 'TEMPORAL_TLS',
      message: 'is off: the API key would cross the network for all to read',
      hint: 'leave it out, or set it to true',
    });
  if ((tls?.clientCert ?? tls?.clientKey ?? tls?.serverCACert) !== undefined)
    problems.push({ path: 'TEMPORAL_TLS', message: 'is off, though certificates are given' });
  return problems;
}
