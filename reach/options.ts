/** Options that kinds of issuers, stores and connectors have in common. */
import { z } from 'zod';
import { parseDuration } from '../domain/duration.js';

const wanted = 'expected a duration such as 90s, 5m or 4h15m';

/** Milliseconds afterwards. YAML reads a bare `0` as a number. */
export const DurationOption = z
  .union([z.string(), z.literal(0)], { error: wanted })
  .transform((written, context) => {
    const ms = parseDuration(String(written));
    if (ms !== undefined) return ms;
    context.addIssue({ code: 'custom', message: wanted });
    return z.NEVER;
  });

const loopback: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);

/** Nobody reads along on the way: it is encrypted, or leads to this machine. */
export function isPrivateUrl(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || loopback.has(hostname);
}
