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
