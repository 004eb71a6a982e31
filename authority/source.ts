/** Where a request came from, as far as it is recorded. */
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { readableName } from '../domain/readable.js';

export interface Source {
  readonly address: string;
  readonly userAgent?: string;
}

export function sourceOf(request: FastifyRequest): Source {
  const address = request.ip.replace(/^::ffff:/, '');
  const said = request.headers['user-agent'];
  if (said === undefined) return { address };
  return { address, userAgent: readableName(decoded(said)) };
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

export function keyOf({ address, userAgent }: Source): string {
  return createHash('sha256')
    .update(`${address}\n${userAgent ?? ''}`)
    .digest('base64url')
    .slice(0, 22);
}
