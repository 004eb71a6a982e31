/** What only the kinds of issuers and connectors can say of a declaration: where they stand, and what is wrong. */
import type { Assignment } from '../domain/connector.js';
import { losesItsValue, movedAway, type KnownOrganization } from '../domain/declarations.js';
import type { Problem } from '../domain/errors.js';
import type { IssuerTraits } from '../domain/issuer.js';
import type { Checked } from './problems.js';
import type { WhyNever } from './schedules.js';
import type { RightDependency, RightDocument, RightSecret } from './placed.js';

export interface CheckedSpecification {
  readonly specification: Readonly<Record<string, unknown>>;
  /** Whose credentials they are, as the kind of issuer says it. */
  readonly principal: string;
}

export interface CheckedDestination {
  readonly identity: string;
  readonly address: Readonly<Record<string, unknown>>;
  /** Where a person writes. */
  readonly assignment?: Assignment;
}

/** Each throws nothing and answers with problems; their paths are fields of the secret, or of the dependency. */
export interface Kinds {
  /** Undefined where there is no such issuer. */
  traits(issuer: string): IssuerTraits | undefined;
  specification(issuer: string, specification: unknown): Checked<CheckedSpecification>;
  destination(connector: string, address: unknown): Checked<CheckedDestination>;
  /** What is written there, a person writes. */
  asksPeople(connector: string): boolean;
  readonly whyNever: WhyNever;
}

/** By the path of the secret or dependency. */
export interface HeldToKinds {
  readonly problems: readonly Problem[];
  readonly specifications: ReadonlyMap<string, CheckedSpecification>;
  readonly destinations: ReadonlyMap<string, CheckedDestination>;
}

export function holdToKinds(
  documents: readonly RightDocument[],
  kinds: Kinds,
  known: ReadonlyMap<string, KnownOrganization>,
): HeldToKinds {
  const problems: Problem[] = [];
  const specifications = new Map<string, CheckedSpecification>();
  const destinations = new Map<string, CheckedDestination>();
  const keep = <T>(path: string, checked: Checked<T> | undefined, to: Map<string, T>): void => {
    if (checked === undefined) return;
    if ('value' in checked) to.set(path, checked.value);
    else problems.push(...within(path, checked.problems));
  };
  for (const { organization, secrets } of documents) {
    for (const secret of secrets) {
      keep(secret.path, specificationOf(secret, kinds), specifications);
      problems.push(...within(secret.path, unfit(secret, kinds)));
      const moved = movedFrom(secret, specifications, known.get(organization ?? ''));
      problems.push(...within(secret.path, moved));
      for (const one of secret.dependencies)
        keep(one.path, destinationOf(one, kinds), destinations);
    }
  }
  return { problems, specifications, destinations };
}

function within(path: string, problems: readonly Problem[]): Problem[] {
  return problems.map((problem) => ({ ...problem, path: `${path}.${problem.path}` }));
}

function unfit({ one: { issuer } }: RightSecret, kinds: Kinds): Problem[] {
  const traits = issuer === undefined ? undefined : kinds.traits(issuer);
  const problem = traits === undefined ? undefined : losesItsValue(traits);
  return problem === undefined ? [] : [problem];
}

function specificationOf(
  { one: { issuer, specification } }: RightSecret,
  kinds: Kinds,
): Checked<CheckedSpecification> | undefined {
  if (issuer === undefined) return undefined;
  if (specification === undefined) return issuerMissing(kinds.specification(issuer, {}));
  const { validity, ...rest } = specification;
  const wanted = validity === undefined ? rest : { ...rest, validityMs: validity };
  const checked = kinds.specification(issuer, wanted);
  if ('value' in checked) return checked;
  return {
    problems: checked.problems.map((problem) => ({ ...problem, path: asWritten(problem) })),
  };
}

/** Of a specification that is wrong by itself, only whether there is somebody to read it. */
function issuerMissing(
  checked: Checked<CheckedSpecification>,
): Checked<CheckedSpecification> | undefined {
  if ('value' in checked) return undefined;
  return { problems: checked.problems.filter(({ path }) => path === 'issuer') };
}

/** People write `validity: 90d`; kinds compute with milliseconds. */
function asWritten({ path }: Problem): string {
  return path.replace(/validityMs$/, 'validity');
}

function destinationOf(
  { one: { connector, destination } }: RightDependency,
  kinds: Kinds,
): Checked<CheckedDestination> | undefined {
  if (connector === undefined || destination === undefined) return undefined;
  return kinds.destination(connector, destination);
}

function movedFrom(
  { path, one: { name, issuer } }: RightSecret,
  specifications: ReadonlyMap<string, CheckedSpecification>,
  known: KnownOrganization | undefined,
): Problem[] {
  const was = known?.origins.get(name ?? '');
  const wanted = specifications.get(path);
  if (was === undefined || wanted === undefined || issuer === undefined) return [];
  const problem = movedAway(was, { issuer, principal: wanted.principal });
  return problem === undefined ? [] : [problem];
}
