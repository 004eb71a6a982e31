/** Bodies of API requests. */
import { z } from 'zod';
import { roles } from '../domain/role.js';
import { decisionKinds, runKinds, type RunKind } from '../domain/run.js';
import { Duration, Name, PastMoment, Text, TimeLimit } from './names.js';

const longestLinkMs = 7 * 86_400_000;

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

/** `v3` or `3`, as people see it, or the version's id. */
const VersionName = z.union([z.string().regex(/^v?[1-9]\d{0,8}$/), z.uuid()], {
  error: 'expected a version such as v3',
});

const RunFields = z.strictObject({
  kind: z.enum(runKinds),
  reason: Text,
  /** What a person typed, where something is revoked on their word. */
  confirm: z.literal('revoke').optional(),
  versions: z.array(VersionName).min(1).max(100).optional(),
  everyVersion: z.boolean().optional(),
  leakedBefore: PastMoment.optional(),
  exclude: z.array(Name).max(5_000).optional(),
  replaceFirst: Duration.optional(),
  acceptOutage: AcceptedOutage.optional(),
  acceptUnseenUse: z.boolean().optional(),
  noDependentsKnown: z.boolean().optional(),
});
type RunFields = z.infer<typeof RunFields>;

/** Which kinds of run know what; the others know it all. */
const onlyFor: Partial<Record<keyof RunFields, readonly RunKind[]>> = {
  versions: ['compromise', 'revoke'],
  everyVersion: ['compromise'],
  leakedBefore: ['compromise'],
  exclude: ['compromise'],
  replaceFirst: ['compromise'],
  acceptOutage: ['rotate', 'revoke', 'decommission'],
  acceptUnseenUse: ['rotate', 'revoke', 'decommission'],
};

function kindKnows(body: Omit<RunFields, 'reason'>, context: z.RefinementCtx): void {
  const tell = (field: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [field], message });
  for (const [field, kinds] of Object.entries(onlyFor)) {
    const said = body[field as keyof typeof body] !== undefined;
    if (said && !kinds.includes(body.kind))
      tell(field, `a ${body.kind} does not know this; ${kinds.join(' and ')} do`);
  }
  if (body.kind === 'revoke' && body.versions === undefined) tell('versions', 'which version?');
  const scopes = [body.versions, body.everyVersion, body.leakedBefore];
  if (scopes.filter((said) => said !== undefined).length > 1)
    tell('versions', 'expected one of versions, everyVersion and leakedBefore');
}

export const RunBody = RunFields.superRefine(kindKnows);
export type RunBody = z.infer<typeof RunBody>;

export const PlanBody = RunFields.partial({ reason: true }).superRefine(kindKnows);
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

export const AdoptBody = z
  .strictObject({
    credentialId: z.string().max(300).optional(),
    value: z.string().min(1).max(65_536).optional(),
    /** What a write displaced: the id that the finding names. */
    kept: z.uuid({ error: 'expected the id that a finding unknown-value names' }).optional(),
  })
  .refine(({ value, kept }) => value === undefined || kept === undefined, {
    path: ['kept'],
    message: 'expected without value: one of the two',
  });
export type AdoptBody = z.infer<typeof AdoptBody>;

export const TokenBody = z.strictObject({
  name: Name,
  holder: z.enum(['person', 'service']),
  /** Whose it is, where that is not its name: nobody approves their own request by another token. */
  person: Text.max(100).optional(),
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

export const WithholdingBody = z.strictObject({
  reason: Text,
  /** Of this secret only. */
  secret: Name.optional(),
});
export type WithholdingBody = z.infer<typeof WithholdingBody>;

export const ApprovalBody = z.strictObject({
  /** The hash of the plan that was shown. */
  plan: z.string().regex(/^[0-9a-f]{8,64}$/, 'expected the hash of the plan, or its beginning'),
  reason: Text,
});
export type ApprovalBody = z.infer<typeof ApprovalBody>;

export const ReviewBody = z.strictObject({ reason: Text });
export type ReviewBody = z.infer<typeof ReviewBody>;

export const TaskLinkBody = z.strictObject({
  validFor: TimeLimit.refine(
    (ms) => ms <= longestLinkMs,
    'expected 7d at most: a new one is made at any time',
  ).prefault('24h'),
});
export type TaskLinkBody = z.infer<typeof TaskLinkBody>;

export const TaskConfirmBody = z.strictObject({ note: Text.optional() });
export type TaskConfirmBody = z.infer<typeof TaskConfirmBody>;

export const TaskDeclineBody = z.strictObject({ reason: Text });
export type TaskDeclineBody = z.infer<typeof TaskDeclineBody>;

export const IdentifyBody = z.strictObject({ value: z.string().min(1).max(65_536) });
export type IdentifyBody = z.infer<typeof IdentifyBody>;

export const ScheduleChangeBody = z.strictObject({ reason: Text });
export type ScheduleChangeBody = z.infer<typeof ScheduleChangeBody>;

export const SlotSkipBody = z.strictObject({
  reason: Text,
  /** As `rotor schedule next` prints it; the next one where nothing is said. */
  slot: z
    .string()
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/, 'expected a slot such as 2026-12-01T10:00')
    .optional(),
});
export type SlotSkipBody = z.infer<typeof SlotSkipBody>;

/** Looking needs no word; mending needs a reason and the word. */
export const RecoveryBody = z
  .strictObject({
    dryRun: z.boolean().default(false),
    without: z.array(z.string().min(1).max(63)).max(100).default([]),
    reason: Text.optional(),
    confirm: z.literal('recover').optional(),
    /** Needed where nobody has noticed that it was set back. */
    setBackAt: z.iso.datetime({ offset: true }).optional(),
  })
  .superRefine(({ dryRun, reason, confirm }, context) => {
    if (dryRun) return;
    const missing = (name: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [name], message });
    if (reason === undefined) missing('reason', 'is missing');
    if (confirm === undefined) missing('confirm', 'expected the word recover');
  });
export type RecoveryBody = z.infer<typeof RecoveryBody>;
