/** Bodies of API requests. */
import { z } from 'zod';
import { roles } from '../domain/role.js';
import { decisionKinds } from '../domain/run.js';
import { Duration, Name, Text, TimeLimit } from './names.js';

const uuid = z.uuid();

const Source = z
  .strictObject({
    address: z.string().max(100).optional(),
    userAgent: z.string().max(300).optional(),
    name: z.string().max(200).optional(),
  })
  .refine((source) => Object.values(source).some((said) => said !== undefined), {
    message: 'expected an address, a userAgent or a name',
  });

export const AcceptedOutage = z.strictObject({
  dependents: z.array(z.string().max(100)).max(5_000).default([]),
  sources: z.array(Source).max(1_000).default([]),
});
export type AcceptedOutage = z.infer<typeof AcceptedOutage>;

export const RunBody = z.strictObject({
  kind: z.enum(['rotate', 'compromise']),
  reason: Text,
  /** What a person typed, where something is revoked on their word. */
  confirm: z.literal('revoke').optional(),
  versionIds: z.array(uuid).max(100).optional(),
  everyVersion: z.boolean().optional(),
  replaceFirst: Duration.optional(),
  acceptOutage: AcceptedOutage.optional(),
  acceptUnseenUse: z.boolean().optional(),
  noDependentsKnown: z.boolean().optional(),
});
export type RunBody = z.infer<typeof RunBody>;

export const PlanBody = RunBody.partial({ reason: true });
export type PlanBody = z.infer<typeof PlanBody>;

export const DecisionBody = z
  .strictObject({
    kind: z.enum(decisionKinds),
    dependent: z.string().max(100).optional(),
    reason: Text,
    /** What a person typed who accepts that something breaks. */
    confirm: z.literal('revoke').optional(),
    acceptOutage: AcceptedOutage.optional(),
  })
  .refine(({ kind, acceptOutage }) => (kind === 'accept-outage') === (acceptOutage !== undefined), {
    path: ['acceptOutage'],
    message: 'expected with accept-outage, and with nothing else',
  });
export type DecisionBody = z.infer<typeof DecisionBody>;

export const AdoptBody = z.strictObject({
  credentialId: z.string().max(300).optional(),
  value: z.string().min(1).max(65_536).optional(),
});
export type AdoptBody = z.infer<typeof AdoptBody>;

export const TokenBody = z.strictObject({
  name: Name,
  holder: z.enum(['person', 'service']),
  organization: z.string().max(63).optional(),
  role: z.enum(roles),
  validFor: TimeLimit,
});
export type TokenBody = z.infer<typeof TokenBody>;

export const DeclarationsBody = z.strictObject({
  dryRun: z.boolean(),
  documents: z.array(z.unknown()).min(1).max(1_000),
});
export type DeclarationsBody = z.infer<typeof DeclarationsBody>;
