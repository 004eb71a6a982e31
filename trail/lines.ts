/** The lines of an exported audit trail, one JSON object each: what they hold, and how they are chained by hashes. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalText } from './canonical.js';

const Count = z.int().nonnegative();
const Hash = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'expected 32 bytes as base64url');
const At = z.iso.datetime();
/** The number of the line, from 1; the hash of this line and all before it. */
const linked = { line: z.int().positive(), hash: Hash };

const Opening = z.strictObject({
  ...linked,
  kind: z.literal('opening'),
  format: z.literal(1),
  installation: z.uuid(),
  key: z.string(),
  at: At,
  secret: z.string().nullable(),
  from: At.nullable(),
  to: At.nullable(),
});

/** Before the events of a chain: which of them follow (`last` = `first` - 1: none), and what they go on from. */
const ChainLine = z.strictObject({
  ...linked,
  kind: z.literal('chain'),
  chain: z.uuid(),
  about: z.string(),
  first: z.int().positive(),
  last: Count,
  previous: Hash,
});

const EventLine = z.strictObject({
  ...linked,
  kind: z.literal('event'),
  chain: z.uuid(),
  seq: z.int().positive(),
  at: At,
  actor: z.string(),
  run: z.uuid().nullable(),
  event: z.unknown(),
  mac: Hash,
});

/** After the events of a chain that was not as rotor wrote it: an export hides nothing. */
const FaultLine = z.strictObject({
  ...linked,
  kind: z.literal('fault'),
  chain: z.uuid(),
  seq: Count,
  fault: z.string(),
});

const Checkpoint = z.strictObject({
  ...linked,
  kind: z.literal('checkpoint'),
  chains: Count,
  events: Count,
  at: At,
  keyId: z.string(),
  final: z.boolean(),
  signature: z.string(),
});

export const Line = z.discriminatedUnion('kind', [
  Opening,
  ChainLine,
  EventLine,
  FaultLine,
  Checkpoint,
]);
export type Line = z.output<typeof Line>;
export type Opening = z.output<typeof Opening>;
export type Checkpoint = z.output<typeof Checkpoint>;
export type EventLine = z.output<typeof EventLine>;
export type ChainLine = z.output<typeof ChainLine>;

type Without<L, K extends PropertyKey> = L extends unknown ? Omit<L, K> : never;
export type Content = Without<Line, 'hash' | 'signature'>;

/** Before the first line. */
export const beginning = Buffer.alloc(32).toString('base64url');

/** RFC 8785 canonical JSON of the line without hash and signature, after the hash of the line before it. */
export function hashOf(content: Content, previous: string): string {
  return createHash('sha256')
    .update(Buffer.from(previous, 'base64url'))
    .update(canonicalText(content))
    .digest('base64url');
}

/** A line as it was before it got its hash, and its signature. */
export function contentOf(line: Line): Content {
  const { hash: _hash, ...content } = line;
  if (content.kind !== 'checkpoint') return content;
  const { signature: _signature, ...unsigned } = content;
  return unsigned;
}
