/** What rotor and a server of one's own say to each other, version 1: openapi.yaml is made of this. */
import { z } from 'zod';

export const protocolVersion = 1;

const Milliseconds = z.number().int().min(0).max(3_155_760_000_000);

export const Traits = z
  .strictObject({
    overlap: z
      .enum(['many', 'slots', 'displaces-oldest', 'none'])
      .describe('how many credentials of one principal live side by side'),
    slots: z.number().int().min(1).optional().describe('how many, for slots and displaces-oldest'),
    valueChosenBy: z
      .enum(['ours', 'theirs'])
      .describe('ours: rotor sends the value; theirs: the server makes it, and shows it once'),
    useRecord: z
      .enum(['exact', 'last-used', 'sampled', 'absent'])
      .describe('what /use tells: every use, the last of each, some, or nothing'),
    seesRefusals: z
      .boolean()
      .default(false)
      .describe('attempts with a revoked credential are in the record'),
    tellsProbesApart: z
      .boolean()
      .default(false)
      .describe("rotor's own /verify is not in the record"),
    propagationMs: Milliseconds.default(0).describe('until a change is effective everywhere'),
    outlives: z
      .enum(['nothing', 'tokens', 'sessions'])
      .default('nothing')
      .describe('what a credential opened, and what goes on when it is revoked'),
    outlivesMs: Milliseconds.default(0).describe('for how long at most'),
    longestValidityMs: Milliseconds.min(1)
      .optional()
      .describe('a credential ends when it was asked to, which is at most so far away'),
  })
  .refine(({ overlap, slots }) => (slots !== undefined) === /^(slots|disp)/.test(overlap), {
    path: ['slots'],
    message: 'expected a number for slots and displaces-oldest, and for nothing else',
  })
  .refine(({ seesRefusals, useRecord }) => !seesRefusals || useRecord !== 'absent', {
    path: ['seesRefusals'],
    message: 'expected false where there is no record of use',
  });
export type Traits = z.output<typeof Traits>;

/** The answer to `GET /`. */
export const Description = z.strictObject({
  protocol: z.literal(protocolVersion),
  traits: Traits,
});

const Id = z.string().min(1).max(500);
const Moment = z.iso.datetime();

const Secret = z.strictObject({
  id: Id.describe('stays the same for the life of the secret'),
  name: z.string().describe('organization/name, for labels that people read'),
  specification: z
    .looseObject({ principal: Id })
    .describe('as it was declared; principal says whose credentials they are'),
});

/** `PUT /credentials/{versionId}`: the same version again gives the same credential. */
export const MintRequest = z.strictObject({
  secret: Secret,
  tag: Id.describe('kept with the credential, and told by /list'),
  value: z.string().optional().describe('where it is ours'),
  expiresAt: Moment.optional(),
});

export const MintReply = z.strictObject({
  credentialId: Id.describe('of the server; never used again'),
  value: z.string().min(1).optional().describe('where it is theirs: the first time'),
  expiresAt: Moment.optional(),
});

export const ListRequest = z.strictObject({ secret: Secret });

export const ListReply = z.strictObject({
  credentials: z
    .array(
      z.strictObject({
        credentialId: Id,
        tag: z.string().nullable().describe('null: it was made by somebody else'),
        createdAt: Moment.optional(),
        expiresAt: Moment.optional(),
        disabled: z.boolean().default(false),
        rights: z
          .record(z.string(), z.string())
          .default({})
          .describe('compared with the specification, field by field'),
      }),
    )
    .describe('all that live of the principal, whoever made them'),
});

export const VerifyRequest = z.strictObject({
  secret: Secret,
  credentialId: Id,
  value: z.string(),
  probe: Id.describe('a mark that is used once'),
});

export const VerifyReply = z.strictObject({
  accepted: z.boolean().describe('the value is that of this credential, and would be let in'),
});

/** Gone already is success. */
export const RevokeRequest = z.strictObject({
  secret: Secret,
  credentialId: Id,
  tag: Id.optional().describe('409 where the credential carries another'),
});

export const UseRequest = z.strictObject({ secret: Secret, since: Moment });

export const UseReply = z.strictObject({
  now: Moment.describe("by the server's clock"),
  completeThrough: Moment.describe('nothing that happened up to here is missing'),
  continuousSince: Moment.optional().describe('no gap since here; otherwise none since `since`'),
  resolutionMs: Milliseconds.default(1),
  uses: z.array(
    z.strictObject({
      credentialId: Id,
      outcome: z.enum(['accepted', 'refused']),
      lastAt: Moment,
      count: z.number().int().min(1),
      source: z.strictObject({
        address: z.string().exactOptional(),
        userAgent: z.string().exactOptional(),
        name: z.string().exactOptional(),
      }),
    }),
  ),
});
