/** Declarations as they are written: checked, completed, durations in milliseconds. */
import type { SeenAs } from '../domain/attribution.js';
import type {
  Declarations,
  DependencyDeclaration,
  OrganizationDeclaration,
  SecretDeclaration,
} from '../domain/declarations.js';
import type { Problem } from '../domain/errors.js';
import type { Policy } from '../domain/policy.js';
import { contradictions, type PlacedDocument } from './contradictions.js';
import { DeclarationDocument } from './declaration-document.js';
import { check, type Checked } from './problems.js';

type PolicyDocument = DeclarationDocument['policies'][number];
type SecretDocument = DeclarationDocument['secrets'][number];
type DependencyDocument = SecretDocument['dependencies'][number];

/** All problems of all documents at once; paths begin with `documents.N`. */
export function checkDeclarations(documents: readonly unknown[]): Checked<Declarations> {
  const problems: Problem[] = [];
  const placed: PlacedDocument[] = [];
  for (const [index, document] of documents.entries()) {
    const path = `documents.${index}`;
    const parsed = check(DeclarationDocument, document, path);
    if ('problems' in parsed) problems.push(...parsed.problems);
    else placed.push({ path, document: parsed.value });
  }
  problems.push(...contradictions(placed));
  if (problems.length > 0) return { problems };
  return { value: { organizations: placed.map(({ document }) => organizationOf(document)) } };
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
    allowManualDisable,
    canary,
    waves,
    timeouts: { mintMs: timeouts.mint, deliverMs: timeouts.deliver, proveMs: timeouts.prove },
  };
}

function secretOf(document: SecretDocument): SecretDeclaration {
  const { name, issuer, owner, documentation, policy } = document;
  const specification = withMilliseconds(document.specification);
  const dependencies = document.dependencies.map(dependencyOf);
  return { name, issuer, owner, documentation, policy, specification, dependencies };
}

function withMilliseconds({
  validity,
  ...rest
}: SecretDocument['specification']): Record<string, unknown> {
  return validity === undefined ? rest : { ...rest, validityMs: validity };
}

function dependencyOf(document: DependencyDocument): DependencyDeclaration {
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
