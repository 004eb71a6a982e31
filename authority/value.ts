/** Secret values and tokens of the authority: recognizable, checkable without asking, kept only as keyed hashes. */
import { createHash, createHmac, randomBytes } from 'node:crypto';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const prefix = 'rotor_cs_';
/** 43 characters of base 62 hold 256 bits. */
const randomLength = 43;
const checksumLength = 6;

/** `rotor_cs_` + 43 random characters + 32 bits of their SHA-256 in 6: scanners find it, and know a typing error from a leak. */
export function newSecretValue(): string {
  const body = base62(BigInt(`0x${randomBytes(32).toString('hex')}`), randomLength);
  return `${prefix}${body}${checksum(`${prefix}${body}`)}`;
}

export function isWellFormed(value: string): boolean {
  if (!/^rotor_cs_[0-9A-Za-z]{49}$/.test(value)) return false;
  const body = value.slice(0, -checksumLength);
  return checksum(body) === value.slice(-checksumLength);
}

export function newToken(): string {
  return `rotor_at_${randomBytes(32).toString('base64url')}`;
}

/** HMAC-SHA-256 under the authority's key: a stolen table is of no use without it. */
export function keyedHash(key: Buffer, value: string): Buffer {
  return createHmac('sha256', key).update(value).digest();
}

function checksum(text: string): string {
  const digest = createHash('sha256').update(text).digest();
  return base62(BigInt(digest.readUInt32BE(0)), checksumLength);
}

function base62(number: bigint, length: number): string {
  let text = '';
  for (let rest = number; text.length < length; rest /= 62n) {
    text = (alphabet[Number(rest % 62n)] ?? '') + text;
  }
  return text;
}
