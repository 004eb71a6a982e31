/** Bodies of requests about projects that are over. */
import { z } from 'zod';
import { Labels, Name, Text } from './names.js';

const fields = {
  organization: Name,
  /** Secrets that carry all of these; none: all of the organization. */
  labels: Labels.default({}),
};

export const ProjectPlanBody = z.strictObject(fields);

export const ProjectBody = z.strictObject({
  ...fields,
  reason: Text,
  /** What a person typed: everything in scope is revoked once nobody uses it. */
  confirm: z.literal('revoke').optional(),
  atOnce: z.number().int().min(1).max(100).default(8),
});
export type ProjectBody = z.infer<typeof ProjectBody>;
