/** Bodies of requests about incidents. */
import { z } from 'zod';
import { PastMoment, Text } from './names.js';

const Pair = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}\/[a-z0-9][a-z0-9-]{0,62}$/, 'expected organization/name');

const fields = {
  /** The system that was compromised: everything it held is in scope. */
  dependent: Pair.optional(),
  organization: z.string().max(63).optional(),
  secrets: z.array(Pair).min(1).max(10_000).optional(),
  leakedBefore: PastMoment,
};

interface Named {
  readonly dependent?: string | undefined;
  readonly organization?: string | undefined;
  readonly secrets?: readonly string[] | undefined;
  readonly leakedBefore: string;
  readonly quarantine?: boolean | undefined;
}

function saysWhat(body: Named, context: z.RefinementCtx): void {
  const { dependent, organization, secrets } = body;
  const said = [dependent, organization, secrets].filter((one) => one !== undefined);
  const tell = (path: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [path], message });
  if (said.length !== 1) tell('dependent', 'expected one of dependent, organization and secrets');
  if (body.quarantine === true && dependent === undefined)
    tell('quarantine', 'expected with a dependent: it is given no new value');
}

export const IncidentPlanBody = z.strictObject(fields).superRefine(saysWhat);
export type IncidentPlanBody = z.infer<typeof IncidentPlanBody>;

export const IncidentBody = z
  .strictObject({
    ...fields,
    reason: Text,
    /** What a person typed: everything in scope is revoked at once. */
    confirm: z.literal('revoke').optional(),
    quarantine: z.boolean().default(false),
    atOnce: z.number().int().min(1).max(100).default(8),
  })
  .superRefine(saysWhat);
export type IncidentBody = z.infer<typeof IncidentBody>;

export const QuarantineEndBody = z.strictObject({ reason: Text });
