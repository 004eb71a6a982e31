/** Options that kinds of issuers, stores and connectors have in common. */
import { z } from 'zod';
import { parseDuration } from '../domain/duration.js';

const wanted = 'expected a duration such as 90s, 5m or 4h15m';

/** Milliseconds afterwards. */
export const DurationOption = z.string({ error: wanted }).transform((written, context) => {
  const ms = parseDuration(written);
  if (ms !== undefined) return ms;
  context.addIssue({ code: 'custom', message: wanted });
  return z.NEVER;
});
