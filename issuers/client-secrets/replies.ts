/** What the authority answers. */
import { z } from 'zod';

const Moment = z.iso.datetime().transform((text) => new Date(text));

export const Clients = z.object({ clientId: z.string() });

export const MintReply = z.object({ credentialId: z.string(), value: z.string().optional() });

/** To a marked probe only: a login whose mark was spent already is answered like anybody's, and says nothing. */
export const ProbeReply = z.object({ credential_id: z.string() });

export const Listed = z.array(
  z.object({
    credentialId: z.string(),
    tag: z.string().nullable(),
    role: z.string(),
    createdAt: Moment,
    expiresAt: Moment,
    disabled: z.boolean(),
  }),
);

export const Uses = z.object({
  now: Moment,
  completeThrough: Moment,
  continuousSince: Moment.exactOptional(),
  uses: z.array(
    z.object({
      credentialId: z.string(),
      source: z.object({ address: z.string(), userAgent: z.string().exactOptional() }),
      outcome: z.enum(['accepted', 'refused']),
      minute: Moment,
      lastAt: Moment,
      count: z.number(),
    }),
  ),
});
