/** Who is told of what, and by which way. */
import { z } from 'zod';
import { eventKinds } from '../domain/event.js';
import { severities } from '../domain/finding.js';
import { Labels, Name, TimeLimit } from './names.js';

const Owner = z.string().min(1).max(200);

const Route = z.strictObject({
  name: Name,
  /** A kind of channel, with its options. */
  to: z.looseObject({ kind: z.string() }),
  events: z.array(z.enum(eventKinds)).min(1).optional(),
  owners: z.array(Owner).min(1).optional(),
  organizations: z.array(Name).min(1).optional(),
  labels: Labels.optional(),
  severity: z.enum(severities).default('info'),
  digest: TimeLimit.optional(),
});
export type Route = z.output<typeof Route>;

export const Notifications = z.strictObject({
  routes: z
    .array(Route)
    .max(50)
    .default([])
    .superRefine((routes, context) => {
      const names = routes.map(({ name }) => name);
      names.forEach((name, index) => {
        if (names.indexOf(name) === index) return;
        const message = `there is another route ${name}`;
        context.addIssue({ code: 'custom', path: [index, 'name'], message });
      });
    }),
});
