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
  // Control characters would write into terminals and logs of whoever looks.
  const userAgent = said.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '').slice(0, longestUserAgent);
  return { address, userAgent };
}

export function keyOf({ address, userAgent }: Source): string {
  return createHash('sha256')
    .update(`${address}\n${userAgent ?? ''}`)
    .digest('base64url')
    .slice(0, 22);
}
