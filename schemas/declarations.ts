/** Declarations as they are written: checked, completed, durations in milliseconds. */
import { z } from 'zod';
import { isAddressRange, type SeenAs } from '../domain/attribution.js';
import type {
  Declarations,
  DependencyDeclaration,
  OrganizationDeclaration,
  SecretDeclaration,
} from '../domain/declarations.js';
import type { Problem } from '../domain/errors.js';
import { formatDuration } from '../domain/duration.js';
import { evidenceLevels } from '../domain/evidence.js';
import { standardPolicy, type Policy } from '../domain/policy.js';
import { orderWaves } from '../domain/waves.js';
import { Duration, Name, Text } from './names.js';
import { check, type Checked } from './problems.js';

const Wave = z.strictObject({ name: Name, after: z.array(Name).default([]) });

const { timeouts: usualTimeouts, openUse: usualOpenUse, ...usual } = standardPolicy;

/** What the standard policy says, written as people write it. */
function or(ms: number): z.ZodPrefault<typeof Duration> {
  return Duration.prefault(formatDuration(ms));
}

const PolicyDocument = z.strictObject({
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
  allowManualDisable: z.boolean().default(usual.allowManualDisable),
  canary: z.boolean().default(usual.canary),
  waves: z.array(Wave).max(50).default([]),
  timeouts: z
    .strictObject({
      mint: or(usualTimeouts.mintMs),
      deliver: or(usualTimeouts.deliverMs),
      prove: or(usualTimeouts.proveMs),
    })
    .prefault({}),
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

const DependencyDocument = z.strictObject({
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

const SecretDocument = z.strictObject({
  name: Name,
  issuer: Name,
  owner: Text,
  documentation: Text.optional(),
  policy: Name.optional(),
  /** What the kind of the issuer asks for. `validity: 90d` is what people write; kinds compute with `validityMs`. */
  specification: z.looseObject({ validity: Duration.optional() }).prefault({}),
  dependencies: z.array(DependencyDocument).max(5_000).default([]),
});

const DependentDocument = z.strictObject({
  name: Name,
  owner: Text,
  documentation: Text.optional(),
});

/** One YAML document: an organization, and what it declares here. Absence changes nothing. */
const DeclarationDocument = z.strictObject({
  organization: Name,
  policies: z.array(PolicyDocument).default([]),
  dependents: z.array(DependentDocument).max(20_000).default([]),
  secrets: z.array(SecretDocument).max(20_000).default([]),
});
type DeclarationDocument = z.output<typeof DeclarationDocument>;

/** For editors and other programs: what a document may hold, as JSON Schema 2020-12. */
export function declarationsSchema(): Record<string, unknown> {
  return {
    ...z.toJSONSchema(DeclarationDocument, { io: 'input' }),
    title: 'Declarations of rotor',
  };
}

/** All problems of all documents at once; paths begin with `documents.N`. */
export function checkDeclarations(documents: readonly unknown[]): Checked<Declarations> {
  const problems: Problem[] = [];
  const organizations: OrganizationDeclaration[] = [];
  for (const [index, document] of documents.entries()) {
    const prefix = `documents.${index}`;
    const parsed = check(DeclarationDocument, document, prefix);
    if ('problems' in parsed) {
      problems.push(...parsed.problems);
      continue;
    }
    problems.push(...contradictions(parsed.value, prefix));
    organizations.push(organizationOf(parsed.value));
  }
  return problems.length > 0 ? { problems } : { value: { organizations } };
}

function contradictions(document: DeclarationDocument, prefix: string): Problem[] {
  const { policies, dependents, secrets } = document;
  return [
    ...duplicates(policies, `${prefix}.policies`),
    ...duplicates(dependents, `${prefix}.dependents`),
    ...duplicates(secrets, `${prefix}.secrets`),
    ...policies.flatMap((policy, index) => waveProblems(policy, `${prefix}.policies.${index}`)),
    ...secrets.flatMap((secret, index) =>
      secretProblems(document, secret, `${prefix}.secrets.${index}`),
    ),
  ];
}

function duplicates(named: readonly { readonly name: string }[], prefix: string): Problem[] {
  const seen = new Set<string>();
  return named.flatMap(({ name }, index) => {
    const again = seen.has(name);
    seen.add(name);
    return again ? [{ path: `${prefix}.${index}.name`, message: `${name} is declared twice` }] : [];
  });
}

function waveProblems({ waves }: z.output<typeof PolicyDocument>, prefix: string): Problem[] {
  const names = new Set(waves.map(({ name }) => name));
  const dangling = waves.flatMap(({ after }, index) =>
    after
      .filter((name) => !names.has(name))
      .map((name) => ({
        path: `${prefix}.waves.${index}.after`,
        message: `there is no wave ${name}`,
      })),
  );
  const found = [...duplicates(waves, `${prefix}.waves`), ...dangling];
  if (found.length > 0) return found;
  const ordered = orderWaves(waves);
  if ('order' in ordered) return [];
  const message = `these waves wait for each other: ${ordered.cycle.join(' → ')}`;
  return [{ path: `${prefix}.waves`, message }];
}

function secretProblems(
  { policies }: DeclarationDocument,
  secret: z.output<typeof SecretDocument>,
  prefix: string,
): Problem[] {
  const policy = policies.find(({ name }) => name === secret.policy);
  const waves = policy?.waves.map(({ name }) => name);
  const seen = new Map<string, string>();
  return secret.dependencies.flatMap((dependency, index) => {
    const at = `${prefix}.dependencies.${index}`;
    const found: Problem[] = [];
    if (waves !== undefined && dependency.wave !== undefined && !waves.includes(dependency.wave)) {
      found.push({
        path: `${at}.wave`,
        message: `policy ${secret.policy ?? ''} has no wave ${dependency.wave}`,
      });
    }
    const key = JSON.stringify(dependency.seenAs);
    const other = key === undefined ? undefined : seen.get(key);
    if (other !== undefined) {
      found.push({
        path: `${at}.seenAs`,
        message: `${other} is recognized by the same: neither would be`,
      });
    }
    if (key !== undefined) seen.set(key, `dependency ${index + 1}, of ${dependency.dependent},`);
    return found;
  });
}

function organizationOf(document: DeclarationDocument): OrganizationDeclaration {
  return {
    name: document.organization,
    policies: document.policies.map(policyOf),
    dependents: document.dependents.map(({ name, owner, documentation }) => ({
      name,
      owner,
      documentation,
    })),
    secrets: document.secrets.map(secretOf),
  };
}

function policyOf(document: z.output<typeof PolicyDocument>): Policy {
  const { name, leastEvidence, allowManualDisable, canary, waves, timeouts, openUse } = document;
  return {
    name,
    overlapMs: document.overlap,
    quietPeriodMs: document.quietPeriod,
    disablePeriodMs: document.disablePeriod,
    monitorPeriodMs: document.monitorPeriod,
    leastEvidence,
    openUse: { waitMs: openUse.wait, then: openUse.then },
    acceptUnseenUse: document.acceptUnseenUse,
    allowManualDisable,
    canary,
    waves,
    timeouts: { mintMs: timeouts.mint, deliverMs: timeouts.deliver, proveMs: timeouts.prove },
  };
}

function secretOf(document: z.output<typeof SecretDocument>): SecretDeclaration {
  const { name, issuer, owner, documentation, policy } = document;
  const specification = withMilliseconds(document.specification);
  const dependencies = document.dependencies.map(dependencyOf);
  return { name, issuer, owner, documentation, policy, specification, dependencies };
}

function withMilliseconds({
  validity,
  ...rest
}: z.output<typeof SecretDocument>['specification']): Record<string, unknown> {
  return validity === undefined ? rest : { ...rest, validityMs: validity };
}

function dependencyOf(document: z.output<typeof DependencyDocument>): DependencyDeclaration {
  const { dependent, connector, destination, wave, owner, documentation, leastEvidence } = document;
  return {
    dependent,
    connector,
    destination,
    wave,
    owner,
    documentation,
    leastEvidence,
    seenAs: document.seenAs as SeenAs | undefined,
    usesAtLeastEveryMs: document.usesAtLeastEvery,
    picksUpWithinMs: document.picksUpWithin ?? 0,
  };
}
