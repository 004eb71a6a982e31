/** The parts of an installation, put together from its settings: the only place that knows every kind. */
import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { connectorKinds } from '../connectors/index.js';
import type { Connector } from '../domain/connector.js';
import type { Discovery, Place } from '../domain/discover/place.js';
import { RotorError } from '../domain/errors.js';
import type { RouteRule } from '../domain/event.js';
import type { Issuer } from '../domain/issuer.js';
import type { Registry } from '../domain/registry.js';
import { SecretValue } from '../domain/secret-value.js';
import { readKeyFile, type Keys } from '../infra/key-file.js';
import { channelKinds } from '../infra/notify/index.js';
import type { Channel } from '../infra/notify/kind.js';
import { openPool } from '../infra/postgres.js';
import { openAudit, type AuditTrail } from '../infra/registry/audit.js';
import { fingerprinted, fingerprintsOf } from '../infra/registry/fingerprints.js';
import { knownDestinations } from '../infra/registry/discovery.js';
import { openRegistry } from '../infra/registry/open.js';
import { issuerKinds } from '../issuers/index.js';
import { placeKinds } from '../places/index.js';
import type { ConfiguredInstance } from '../schemas/configuration.js';
import { notConfigured } from './not-configured.js';
import { openStores, type Stores } from './stores.js';
import type { Settings } from './settings.js';
import { databaseAway } from './unreachable.js';

export interface Parts {
  readonly pool: pg.Pool;
  readonly keys: Keys;
  readonly audit: AuditTrail;
  readonly registry: Registry;
  readonly store: Stores;
  readonly installationId: string;
  issuer(name: string): Issuer;
  connector(kind: string): Connector;
  readonly discovery: Discovery;
  readonly routes: readonly RouteRule[];
  /** Of a route; throws where it cannot be opened, and tries again when it is asked for again. */
  channel(route: string): Channel;
  newId(): string;
  newValue(): SecretValue;
  keptId(place: string, value: SecretValue): string;
  adoptedId(secretId: string, credentialId: string): string;
}

export async function openParts(settings: Settings): Promise<Parts> {
  if (settings.databaseUrl === undefined) {
    throw new RotorError('configuration-invalid', 'DATABASE_URL is not set', {
      kind: 'invalid',
      hint: 'npm start brings a database along',
    });
  }
  const keys = readKeyFile(settings.keyFile);
  const pool = openPool(settings.databaseUrl.reveal(), 16);
  const installationId = await installationOf(pool);
  const issuer = issuersOf(settings, { installationId, keys });
  const audit = openAudit(keys.derive('audit'));
  const routes = settings.configuration.routes.map(({ rule }) => rule);
  const registry = openRegistry({ pool, audit, traitsOf: (name) => issuer(name).traits, routes });
  const { store, discovery } = storeOf(settings, { pool, keys });
  return {
    pool,
    keys,
    audit,
    registry,
    installationId,
    issuer,
    store,
    discovery,
    connector: connectorsOf(settings),
    routes,
    channel: channelsOf(settings),
    newId: randomUUID,
    newValue: () => new SecretValue(randomBytes(32).toString('base64url')),
    keptId: (place, value) => {
      const text = JSON.stringify([place, value.reveal()]);
      return uuidOf(createHmac('sha256', keys.derive('kept')).update(text).digest());
    },
    adoptedId,
  };
}

/** What is sealed can be recognized, by `identify` and by a discovery. */
function storeOf(
  settings: Settings,
  { pool, keys }: Pick<Parts, 'pool' | 'keys'>,
): Pick<Parts, 'store' | 'discovery'> {
  const fingerprinting = { pool, key: keys.derive('identify') };
  const stores = openStores(settings, { pool, database: pool, keys: keys.sealing });
  const store = fingerprinted(stores, fingerprinting);
  return {
    store,
    discovery: {
      recognizer: (secretId) => fingerprintsOf({ ...fingerprinting, store }, secretId),
      places: () => placesOf(settings),
      destinations: (limit) => knownDestinations(pool, limit),
    },
  };
}

function adoptedId(secretId: string, credentialId: string): string {
  const text = JSON.stringify([secretId, credentialId]);
  return uuidOf(createHash('sha256').update(text).digest());
}

/** A UUID of version 8 (RFC 9562): bits of a hash, so that it is the same each time. */
function uuidOf(bits: Buffer): string {
  bits.writeUInt8((bits.readUInt8(6) & 0x0f) | 0x80, 6);
  bits.writeUInt8((bits.readUInt8(8) & 0x3f) | 0x80, 8);
  return bits.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

async function installationOf(pool: pg.Pool): Promise<string> {
  const { rows } = await pool
    .query<{ id: string }>('select id from rotor.installation')
    .catch((error: unknown) => {
      throw databaseAway(error);
    });
  const id = rows[0]?.id;
  if (id !== undefined) return id;
  throw new RotorError('not-migrated', 'the database holds no installation', { kind: 'failed' });
}

/** Opened when first needed: one instance that cannot be opened does not hold up the others. */
function openedOnce<T>(open: (name: string) => T): (name: string) => T {
  const opened = new Map<string, T>();
  return (name) => {
    const known = opened.get(name);
    if (known !== undefined) return known;
    const instance = open(name);
    opened.set(name, instance);
    return instance;
  };
}

export function issuersOf(
  settings: Pick<Settings, 'configuration'>,
  { installationId, keys }: Pick<Parts, 'installationId' | 'keys'>,
): (name: string) => Issuer {
  const key = keys.derive('credential');
  const fingerprint = (text: string): string =>
    createHmac('sha256', key).update(text).digest('hex').slice(0, 32);
  return openedOnce((name) => {
    const instance = settings.configuration.issuers[name];
    const kind = issuerKinds.find((one) => one.kind === instance?.kind);
    if (instance === undefined || kind === undefined) throw notConfigured('issuer', name);
    return kind.open(instance.options as never, {
      installationId,
      fingerprint,
    });
  });
}

/** What is written there, a person writes: nothing of it is opened. */
export function asksPeople(connector: string): boolean {
  return connectorKinds.some((one) => one.kind === connector && !('open' in one));
}

function connectorsOf(settings: Settings): (kind: string) => Connector {
  return openedOnce((name) => {
    const options = settings.configuration.connectors[name];
    const kind = connectorKinds.find((one) => one.kind === name);
    if (options === undefined || kind === undefined) throw notConfigured('connector', name);
    if (!('open' in kind))
      throw new RotorError('connector-asks-people', `${name} writes nothing: a person does`, {
        kind: 'failed',
      });
    return kind.open(options as never);
  });
}

function placesOf({ configuration }: Settings): Place[] {
  return configuration.places.map(openPlace);
}

export function openPlace({ kind: name, options }: ConfiguredInstance): Place {
  const kind = placeKinds.find((one) => one.kind === name);
  if (kind === undefined) throw notConfigured('place', name);
  return kind.open(options as never);
}

function channelsOf({ configuration }: Settings): (route: string) => Channel {
  return openedOnce((name) => {
    const to = configuration.routes.find(({ rule }) => rule.name === name)?.to;
    const kind = channelKinds.find((one) => one.kind === to?.kind);
    if (to === undefined || kind === undefined) throw notConfigured('route', name);
    return kind.open(to.options as never);
  });
}
