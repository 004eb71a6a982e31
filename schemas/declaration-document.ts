/** A document of declarations as people write it, with what counts where they say nothing. */
import { z } from 'zod';
import { isAddressRange } from '../domain/attribution.js';
import { carries } from '../domain/labels.js';
import { formatDuration } from '../domain/duration.js';
import { evidenceLevels } from '../domain/evidence.js';
import { standardPolicy } from '../domain/policy.js';
import { Duration, Labels, Name, Text, TimeLimit } from './names.js';
import { MaintenanceDocument, ScheduleDocument } from './schedule-document.js';

/** Containing a compromise waits for nobody. */
const approvedKinds = ['rotate', 'revoke', 'decommission'] as const;

const Wave = z.strictObject({ name: Name, after: z.array(Name).default([]) });

const { timeouts: usualTimeouts, openUse: usualOpenUse, ...usual } = standardPolicy;

/** What the standard policy says, written as people write it. */
function or(ms: number): z.ZodPrefault<typeof Duration> {
  return Duration.prefault(formatDuration(ms));
}

function limitOr(ms: number): z.ZodPrefault<typeof TimeLimit> {
  return TimeLimit.prefault(formatDuration(ms));
}

const ApprovalDocument = z
  .strictObject({
    kinds: z
      .array(z.enum(approvedKinds))
      .min(1)
      .default([...approvedKinds]),
    labels: Labels.default({}).describe('of secrets that carry all of these only'),
    needed: z.number().int().min(1).max(10).default(1).describe('persons, other than who asked'),
    by: z
      .array(Text)
      .min(1)
      .max(100)
      .optional()
      .describe('only these persons; otherwise any approver'),
    livesFor: TimeLimit.prefault('7d'),
  })
  .refine(({ needed, by }) => by === undefined || by.length === 0 || new Set(by).size >= needed, {
    path: ['by'],
    message: 'names fewer persons than are needed',
  });

type ApprovalDocument = z.output<typeof ApprovalDocument>;

/** The first that fits counts: one that an earlier rule leaves nothing to never does. */
function refuseShadowed(rules: readonly ApprovalDocument[], context: z.RefinementCtx): void {
  rules.forEach((rule, index) => {
    const before = rules.slice(0, index).findIndex((earlier) => fitsAll(earlier, rule));
    if (before === -1) return;
    const message = `never counts: rule ${before + 1} fits all that it fits, and comes first`;
    context.addIssue({ code: 'custom', path: [index], message });
  });
}

function fitsAll(one: ApprovalDocument, other: ApprovalDocument): boolean {
  return other.kinds.every((kind) => one.kinds.includes(kind)) && carries(other.labels, one.labels);
}

export const PolicyDocument = z.strictObject({
  name: Name,
  overlap: or(usual.overlapMs).describe('the old version stays alive at least this long'),
  quietPeriod: or(usual.quietPeriodMs).describe('no use of the old version for this long'),
  disablePeriod: or(usual.disablePeriodMs).describe('refused reversibly for this long; 0: not'),
  monitorPeriod: or(usual.monitorPeriodMs).describe('late use is looked for this long'),
  leastEvidence: z.enum(evidenceLevels).default(usual.leastEvidence),
  openUse: z
    .strictObject({
      wait: or(usualOpenUse.waitMs),
      then: z.enum(['end', 'block']).default(usualOpenUse.then),
    })
    .prefault({}),
  acceptUnseenUse: z.strictObject({ by: Text, reason: Text }).optional(),
  approvals: z
    .preprocess(
      (written) => (Array.isArray(written) ? (written as unknown[]) : [written]),
      z.array(ApprovalDocument).min(1).max(20).superRefine(refuseShadowed),
    )
    .optional()
    .describe('one rule, or several: the first that fits a run counts'),
  allowManualDisable: z.boolean().default(usual.allowManualDisable),
  canary: z.boolean().default(usual.canary),
  waves: z.array(Wave).max(50).default([]),
  timeouts: z
    .strictObject({
      mint: limitOr(usualTimeouts.mintMs),
      deliver: limitOr(usualTimeouts.deliverMs),
      prove: limitOr(usualTimeouts.proveMs),
    })
    .prefault({}),
  maintenance: MaintenanceDocument.optional().describe(
    'dependents are moved, and old versions disabled and revoked, in these windows only',
  ),
  schedule: ScheduleDocument.optional(),
});

const SeenAsDocument = z
  .strictObject({
    address: z
      .string()
      .refine(isAddressRange, 'expected an address or a range such as 10.0.0.0/8')
      .optional(),
    userAgent: z.string().min(1).max(200).optional(),
    name: z.string().min(1).max(200).optional(),
  })
  .refine((seenAs) => Object.keys(seenAs).length > 0, 'expected address, userAgent or name');

export const DependencyDocument = z.strictObject({
  dependent: Name,
  connector: z.string().min(1).max(50),
  destination: z.record(z.string(), z.unknown()),
  wave: Name.optional(),
  owner: Text.optional(),
  documentation: Text.optional(),
  leastEvidence: z.enum(evidenceLevels).optional(),
  seenAs: SeenAsDocument.optional(),
  usesAtLeastEvery: Duration.optional(),
  picksUpWithin: Duration.optional(),
});

export const SecretDocument = z.strictObject({
  name: Name,
  issuer: Name,
  owner: Text,
  documentation: Text.optional(),
  labels: Labels.default({}),
  policy: Name.optional(),
  schedule: ScheduleDocument.optional().describe("instead of the policy's"),
  notWith: z
    .array(Name)
    .max(100)
    .default([])
    .describe('these never rotate by schedule at the same time'),
  /** What the kind of the issuer asks for. `validity: 90d` is what people write; kinds compute with `validityMs`. */
  specification: z.looseObject({ validity: Duration.optional() }).prefault({}),
  dependencies: z.array(DependencyDocument).max(5_000).default([]),
});

export const DependentDocument = z.strictObject({
  name: Name,
  owner: Text,
  documentation: Text.optional(),
});

/** One YAML document: an organization, and what it declares here. Absence changes nothing. */
export const DeclarationDocument = z.strictObject({
  organization: Name,
  policies: z.array(PolicyDocument).default([]),
  dependents: z.array(DependentDocument).max(20_000).default([]),
  secrets: z.array(SecretDocument).max(20_000).default([]),
});
export type DeclarationDocument = z.output<typeof DeclarationDocument>;

/** For editors and other programs: what a document may hold, as JSON Schema 2020-12. */
export function declarationsSchema(): Record<string, unknown> {
  return {
    ...z.toJSONSchema(DeclarationDocument, { io: 'input' }),
    title: 'Declarations of rotor',
  };
}
