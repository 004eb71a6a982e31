/** Declarations as they are written: checked, completed, durations in milliseconds. */
import type { SeenAs } from '../domain/attribution.js';
import type {
  Declarations,
  DependencyDeclaration,
  KnownOrganization,
  OrganizationDeclaration,
  SecretDeclaration,
} from '../domain/declarations.js';
import type { Problem } from '../domain/errors.js';
import type { ApprovalRule, Policy } from '../domain/policy.js';
import { contradictions } from './contradictions.js';
import { DeclarationDocument } from './declaration-document.js';
import { holdToKinds, type CheckedDestination, type HeldToKinds, type Kinds } from './kinds.js';
import { rightParts, type RightDocument } from './placed.js';
import { check, type Checked } from './problems.js';
import { maintenanceOf, scheduleOf } from './schedule-document.js';

type PolicyDocument = DeclarationDocument['policies'][number];
type SecretDocument = DeclarationDocument['secrets'][number];
type DependencyDocument = SecretDocument['dependencies'][number];

/** What was sent, each document by itself: its organizations can be looked up before the rest is checked. */
export interface ReadDocuments {
  readonly organizations: readonly string[];
  readonly problems: readonly Problem[];
  readonly right: readonly RightDocument[];
  /** Undefined where it has a problem. */
  readonly documents: readonly (DeclarationDocument | undefined)[];
}

/** Paths begin with `documents.N`. */
export function readDocuments(documents: readonly unknown[]): ReadDocuments {
  const checked = documents.map((one, index) => check(DeclarationDocument, one, pathOf(index)));
  const right = documents.map((one, index) => rightParts(one, pathOf(index)));
  return {
    organizations: [...new Set(right.flatMap(({ organization }) => organization ?? []))],
    problems: checked.flatMap((one) => ('problems' in one ? one.problems : [])),
    right,
    documents: checked.map((one) => ('value' in one ? one.value : undefined)),
  };
}

function pathOf(index: number): string {
  return `documents.${index}`;
}

/** What declarations are held against. */
export interface Against {
  readonly kinds: Kinds;
  readonly known: ReadonlyMap<string, KnownOrganization>;
}

/** Every problem at once: of shape, between declarations, of the kinds, and with what the registry knows. */
export function checkDeclarations(
  read: ReadDocuments,
  { kinds, known }: Against,
): Checked<Declarations> {
  const held = holdToKinds(read.right, kinds, known);
  const later = [...contradictions(read.right, known, kinds), ...held.problems];
  const problems = [...read.problems, ...withoutConsequences(read.problems, later)];
  if (problems.length > 0) return { problems };
  const organizations = read.documents.flatMap((document, index) =>
    document === undefined ? [] : [organizationOf(document, pathOf(index), held)],
  );
  return { value: { organizations } };
}

/** Where the shape is wrong, nothing more is said of the same place. */
function withoutConsequences(shape: readonly Problem[], later: readonly Problem[]): Problem[] {
  const wrong = new Set(shape.map(({ path }) => path));
  const around = new Set(shape.flatMap(({ path }) => upwards(path)));
  return later.filter(
    ({ path }) => !around.has(path) && !upwards(path).some((above) => wrong.has(above)),
  );
}

/** `a.b.c`, `a.b`, `a`. */
function upwards(path: string): string[] {
  const steps = path.split('.');
  return steps.map((_, index) => steps.slice(0, steps.length - index).join('.'));
}

function organizationOf(
  document: DeclarationDocument,
  path: string,
  held: HeldToKinds,
): OrganizationDeclaration {
  return {
    name: document.organization,
    policies: document.policies.map(policyOf),
    dependents: document.dependents.map(({ name, owner, documentation }) => ({
      name,
      owner,
      documentation,
    })),
    secrets: document.secrets.map((secret, index) =>
      secretOf(secret, `${path}.secrets.${index}`, held),
    ),
  };
}

function policyOf(document: PolicyDocument): Policy {
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
    approvals: document.approvals?.map(approvalOf),
    allowManualDisable,
    canary,
    waves,
    timeouts: { mintMs: timeouts.mint, deliverMs: timeouts.deliver, proveMs: timeouts.prove },
    // Undefined is no field once it is stored: policies without one are as they were.
    maintenance: document.maintenance && maintenanceOf(document.maintenance),
    schedule: document.schedule && scheduleOf(document.schedule),
  };
}

function approvalOf({
  livesFor,
  by = [],
  ...rule
}: NonNullable<PolicyDocument['approvals']>[number]): ApprovalRule {
  return { ...rule, by: [...new Set(by)], livesMs: livesFor };
}

function secretOf(document: SecretDocument, path: string, held: HeldToKinds): SecretDeclaration {
  const { name, issuer, owner, documentation, labels, policy } = document;
  const { specification, principal } = checkedAt(held.specifications, path);
  const dependencies = document.dependencies.map((one, index) =>
    dependencyOf(one, checkedAt(held.destinations, `${path}.dependencies.${index}`)),
  );
  return {
    name,
    issuer,
    owner,
    documentation,
    labels,
    policy,
    schedule: document.schedule && scheduleOf(document.schedule),
    notWith: document.notWith,
    specification,
    principal,
    dependencies,
  };
}

function checkedAt<T>(checked: ReadonlyMap<string, T>, path: string): T {
  const found = checked.get(path);
  if (found === undefined) throw new Error(`${path} was never held to its kind`);
  return found;
}

function dependencyOf(
  document: DependencyDocument,
  { identity, address, assignment }: CheckedDestination,
): DependencyDeclaration {
  const { dependent, connector, wave, owner, documentation, leastEvidence } = document;
  return {
    dependent,
    connector,
    destination: address,
    identity,
    assignment,
    wave,
    owner,
    documentation,
    leastEvidence,
    seenAs: document.seenAs as SeenAs | undefined,
    usesAtLeastEveryMs: document.usesAtLeastEvery,
    picksUpWithinMs: document.picksUpWithin ?? 0,
  };
}
