/** Where a request came from, as far as it is recorded. */
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';

export interface Source {
  readonly address: string;
  readonly userAgent?: string;
}

const longestUserAgent = 200;

export function sourceOf(request: FastifyRequest): Source {
  const address = request.ip.replace(/^::ffff:/, '');
  const said = request.headers['user-agent'];
  if (said === undefined) return { address };
  return { address, userAgent: withoutHalf(readable(said).slice(0, longestUserAgent)) };
}

/** Control characters, and those that turn the writing around, would mislead the terminals and logs of whoever looks. */
function readable(header: string): string {
  const text = decoded(header);
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '');
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A header arrives as one character per byte. Where its bytes are no UTF-8, that is what it stays. */
function decoded(header: string): string {
  try {
    return utf8.decode(Buffer.from(header, 'latin1'));
  } catch {
    return header;
  }
}

/** Cut in the middle of a character, its first half would be no text for the database. */
function withoutHalf(text: string): string {
  return text.replace(/[\ud800-\udbff]$/, '');
}

export function keyOf({ address, userAgent }: Source): string {
  return createHash('sha256')
    .update(`${address}\n${userAgent ?? ''}`)
    .digest('base64url')
    .slice(0, 22);
}
