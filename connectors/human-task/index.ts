/** A place that only a person can write: somebody types the value in by hand, asked by a task. */
import { z } from 'zod';
import { formatDuration, parseDuration } from '../../domain/duration.js';
import { askingKind } from '../kind.js';

const plain = /^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$/;
const noControls = 'expected text without control characters';

/** One line, as people are called. */
const Person = z
  .string()
  .trim()
  .min(1, 'expected a name, it is empty')
  .max(200)
  .regex(/^[^\u0000-\u001f\u007f-\u009f]*$/, noControls);

/** `least` in words, as they are told. */
function patience(least: string, leastMs: number) {
  const wanted = `expected a duration ${least}, such as 4h or 2d (at most ten years)`;
  return z.string({ error: wanted }).transform((written, context) => {
    const ms = parseDuration(written);
    if (ms !== undefined && ms >= leastMs) return ms;
    context.addIssue({ code: 'custom', message: wanted });
    return z.NEVER;
  });
}

const usualReminder = formatDuration(86_400_000);

const Address = z.strictObject({
  place: Person.describe('where the value is typed in; the same words are the same place'),
  assignee: Person.describe('who does it; routes with this owner tell them'),
  instructions: z.string().trim().min(1).max(4_000).regex(plain, noControls),
  dueWithin: patience('above 0', 1),
  // Who is told every second stops reading.
  remindEvery: patience('of a minute or more', 60_000).prefault(usualReminder),
  escalateTo: Person.optional().describe('who is told once it is due'),
  holdsSeveral: z.boolean().default(false),
});

export const humanTask = askingKind({
  kind: 'human-task',
  options: z.strictObject({}),
  address: Address,
  identity: ({ place }) => place,
  assignment: ({ place: _place, dueWithin, remindEvery, ...assignment }) => ({
    ...assignment,
    dueWithinMs: dueWithin,
    remindEveryMs: remindEvery,
  }),
});
