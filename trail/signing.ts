/** Ed25519 (RFC 8032) over checkpoints of an exported trail: who has the public key can check, and only rotor can sign. */
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { canonicalText } from './canonical.js';
import type { Checkpoint } from './lines.js';

export interface Signer {
  /** `ed25519:` and 32 bytes as base64url. */
  readonly publicKey: string;
  readonly keyId: string;
  sign(checkpoint: Omit<Checkpoint, 'signature'>): string;
}

const prefix = 'ed25519:';
/** RFC 8410: what stands before the 32 bytes of a private and of a public key. */
const privateHead = Buffer.from('302e020100300506032b657004220420', 'hex');
const publicHead = Buffer.from('302a300506032b6570032100', 'hex');

/** `seed` is 32 bytes that are used for nothing else. */
export function openSigner(seed: Buffer): Signer {
  const key = createPrivateKey({
    key: Buffer.concat([privateHead, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const raw = createPublicKey(key)
    .export({ format: 'der', type: 'spki' })
    .subarray(publicHead.length);
  const publicKey = `${prefix}${raw.toString('base64url')}`;
  return {
    publicKey,
    keyId: keyIdOf(publicKey),
    sign: (checkpoint) => sign(null, signed(checkpoint), key).toString('base64url'),
  };
}

/** Enough of the key's own hash to tell keys apart. */
export function keyIdOf(publicKey: string): string {
  return createHash('sha256').update(publicKey).digest('hex').slice(0, 16);
}

/** Undefined where the text is no public key. */
export function publicKeyOf(text: string): KeyObject | undefined {
  if (!/^ed25519:[A-Za-z0-9_-]{43}$/.test(text)) return undefined;
  const raw = Buffer.from(text.slice(prefix.length), 'base64url');
  return createPublicKey({ key: Buffer.concat([publicHead, raw]), format: 'der', type: 'spki' });
}

export function isSigned({ signature, ...checkpoint }: Checkpoint, key: KeyObject): boolean {
  return verify(null, signed(checkpoint), key, Buffer.from(signature, 'base64url'));
}

/** No other text that this key ever signs begins like this. */
function signed(checkpoint: Omit<Checkpoint, 'signature'>): Buffer {
  return Buffer.from(`rotor audit checkpoint 1\n${canonicalText(checkpoint)}`);
}
