/** A secret of AWS Secrets Manager: staged as AWSPENDING, then moved to AWSCURRENT; the old one stays AWSPREVIOUS until it is forgotten. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type {
  Connector,
  Delivery,
  Destination,
  HeldVersions,
  KnownValue,
} from '../../domain/connector.js';
import { AdapterError } from '../../domain/errors.js';
import { awsAccess, isWholeLogin, wholeLogin } from '../../reach/aws.js';
import { connectorKind } from '../kind.js';
import { isSame } from '../../reach/same.js';
import { readHeld } from '../known.js';
import {
  current,
  openClient,
  openVault,
  pending,
  previous,
  type Held,
  type Vault,
} from './vault.js';

const Options = z.strictObject(awsAccess).refine(isWholeLogin, wholeLogin);
type Options = z.output<typeof Options>;

const Address = z.strictObject({
  secret: z
    .string()
    .regex(/^[\w/+=.@-]{1,512}$/, 'expected the name of a secret, and no ARN')
    .describe('its name; it has to be there'),
});

export const awsSecretsManager = connectorKind({
  kind: 'aws-secrets-manager',
  libraries: [{ name: '@aws-sdk/client-secrets-manager', version: '3.1164.0' }],
  options: Options,
  address: Address,
  identity: ({ secret }, { region }) => `${region} ${secret}`,
  tested: { system: 'AWS as moto plays it', version: '5.2.5', on: '2026-11-26' },
  open,
});

type OpenAt = (destination: Destination, signal?: AbortSignal) => Vault;

function open(options: Options): Connector {
  const client = openClient(options);
  const at: OpenAt = ({ address }, signal) =>
    openVault({ client, name: Address.parse(address).secret, signal });
  return {
    kind: 'aws-secrets-manager',
    traits: () => ({ holdsSeveral: true, evidence: 'read-back' }),
    held: (destination, known) => held(at(destination), known),
    deliver: (delivery) => deliver(at(delivery.destination, delivery.signal), delivery),
    forget: (delivery) => forget(at(delivery.destination, delivery.signal), delivery.version),
    withdraw: (delivery) => withdraw(at(delivery.destination, delivery.signal), delivery),
  };
}

/** AWS takes no empty text, and AWSCURRENT no end: this stands there once nothing follows. */
const nothing = '{}';
const mostBytes = 65_536;

/** In use, about to be, was in use, kept. */
const order = [current, pending, previous];

function rank({ stages }: Held): number {
  const places = stages.map((stage) => order.indexOf(stage));
  return Math.min(...places.map((place) => (place < 0 ? order.length : place)));
}

async function held(vault: Vault, known: readonly KnownValue[]): Promise<HeldVersions> {
  const versions = (await vault.versions()).toSorted((a, b) => rank(a) - rank(b));
  const texts = versions.map(({ text }) => text).filter((text) => text !== nothing);
  return readHeld([...new Set(texts)], known);
}

async function deliver(vault: Vault, { version, known }: Delivery): Promise<void> {
  const text = version.value.reveal();
  if (text === nothing || text === '' || Buffer.byteLength(text) > mostBytes)
    throw new AdapterError('refused', `AWS takes 1 to ${mostBytes} bytes, and {} means no value`);
  await makeCurrent(vault, { id: version.versionId, text }, known);
}

interface Wanted {
  readonly id: string;
  readonly text: string;
}

/** Looked at first: what an attempt before this one did is not done again, for AWS refuses it. */
async function makeCurrent(
  vault: Vault,
  { id, text }: Wanted,
  known: readonly KnownValue[],
): Promise<void> {
  const before = await vault.versions();
  if (isCurrent(before, text)) return;
  const own = before.find((one) => one.id === id);
  if (own !== undefined && !isSame(own.text, text))
    throw new AdapterError(
      'refused',
      'the secret holds another value under the id of this version',
    );
  await keepUnknown(vault, before, { known, id });
  if (own === undefined) await vault.put(id, text);
  // The first version of a secret is current by itself.
  const now = await vault.versions();
  if (isCurrent(now, text)) return;
  const from = staged(before, current)?.id;
  await vault.move({ stage: current, from, to: id });
}

function staged(versions: readonly Held[], stage: string): Held | undefined {
  return versions.find(({ stages }) => stages.includes(stage));
}

function isCurrent(versions: readonly Held[], text: string): boolean {
  const found = staged(versions, current);
  return found !== undefined && isSame(found.text, text);
}

interface Keeping {
  readonly known: readonly KnownValue[];
  /** That which is about to be current. */
  readonly id: string;
}

/** A version without a stage is deleted by AWS in time: somebody else's value gets one before it loses its own. */
async function keepUnknown(
  vault: Vault,
  versions: readonly Held[],
  { known, id }: Keeping,
): Promise<void> {
  for (const { id: other, stages, text } of versions) {
    const loses = stages.every((stage) => stage === pending || stage === previous);
    const isKnown = known.some(({ value }) => isSame(value.reveal(), text));
    if (!loses || isKnown || other === id || text === nothing) continue;
    await vault.move({ stage: `ROTOR-KEPT-${other.slice(0, 36)}`, to: other });
  }
}

/** What is in use stays. */
async function forget(vault: Vault, { value }: KnownValue): Promise<void> {
  for (const { id, stages, text } of await vault.versions()) {
    if (stages.includes(current) || !isSame(text, value.reveal())) continue;
    for (const stage of stages) await vault.move({ stage, from: id });
  }
}

async function withdraw(vault: Vault, { version, known }: Delivery): Promise<void> {
  const id = createHash('sha256').update(`withdrawn ${version.versionId}`).digest('hex');
  if (isCurrent(await vault.versions(), version.value.reveal()))
    await makeCurrent(vault, { id, text: nothing }, known);
  await forget(vault, version);
}
