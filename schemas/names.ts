/** Names and durations as people write them, with messages that say what is wrong and where. */
import { z } from 'zod';
import { parseDuration } from '../domain/duration.js';

const allowed = /[a-z0-9-]/;

/** Lower-case letters, digits, dashes: the same in paths, logs and search attributes, and no look-alikes. */
export const Name = z
  .string()
  .superRefine((name, context) => {
    const message = complaint(name);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  })
  .meta({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$' });

function complaint(name: string): string | undefined {
  if (name === '') return 'expected a name, it is empty';
  if (name.length > 63) return `expected at most 63 characters, there are ${name.length}`;
  const strange = [...name].find((character) => !allowed.test(character));
  if (strange !== undefined) {
    const code = strange.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0') ?? '';
    return `expected lower-case letters, digits and dashes; there is ${JSON.stringify(strange)} (U+${code})`;
  }
  return name.startsWith('-') ? 'expected a letter or digit first' : undefined;
}

/** Such as project and risk. */
export const Labels = z
  .record(Name, z.string().min(1).max(100))
  .refine((labels) => Object.keys(labels).length <= 50, 'expected at most 50 labels');

const durationWanted = 'expected a duration such as 90s, 1h30m or 7d (at most ten years)';

/** Milliseconds afterwards. YAML reads a bare `0` as a number. */
export const Duration = z
  .union([z.string().max(50), z.literal(0)], { error: durationWanted })
  .transform((written, context) => {
    const ms = parseDuration(String(written));
    if (ms !== undefined) return ms;
    context.addIssue({ code: 'custom', message: durationWanted });
    return z.NEVER;
  });

/** ISO 8601 with its zone: what a person means is not guessed. */
export const Moment = z.iso.datetime({
  offset: true,
  error: 'expected a moment such as 2026-01-31T12:00:00Z',
});

/** Two clocks are never quite the same. */
const aheadMs = 60_000;

export const PastMoment = Moment.refine(
  (moment) => new Date(moment).getTime() <= Date.now() + aheadMs,
  'expected a moment that is over',
);

/** No time at all is no time limit: whatever it is for would always be too late. */
export const TimeLimit = Duration.refine(
  (ms) => ms > 0,
  'expected a duration above 0, such as 30s',
);

/** Shown on terminals and in reports: what steers them is no text. */
export const Text = z
  .string()
  .trim()
  .min(1)
  .max(1_000)
  .regex(
    /^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$/,
    'expected text without control characters',
  );
