/** What is wrong between declarations, though each is right by itself: names, waves, and who could be recognized. */
import type { Problem } from '../domain/errors.js';
import { standardPolicy } from '../domain/policy.js';
import { orderWaves } from '../domain/waves.js';
import type { DeclarationDocument } from './declaration-document.js';

export interface PlacedDocument {
  /** Where it stands: `documents.N`. */
  readonly path: string;
  readonly document: DeclarationDocument;
}

type Policy = DeclarationDocument['policies'][number];
type Secret = DeclarationDocument['secrets'][number];
type Dependency = Secret['dependencies'][number];

/** An organization may be declared in several documents: they are looked at as one. */
export function contradictions(placed: readonly PlacedDocument[]): Problem[] {
  const organizations = new Set(placed.map(({ document }) => document.organization));
  return [...organizations].flatMap((name) =>
    withinOrganization(placed.filter(({ document }) => document.organization === name)),
  );
}

interface Placed<T> {
  readonly path: string;
  readonly one: T;
}

function all<K extends 'policies' | 'dependents' | 'secrets'>(
  placed: readonly PlacedDocument[],
  kind: K,
): Placed<DeclarationDocument[K][number]>[] {
  return placed.flatMap(({ path, document }) =>
    document[kind].map((one, index) => ({ path: `${path}.${kind}.${index}`, one })),
  );
}

function withinOrganization(placed: readonly PlacedDocument[]): Problem[] {
  const policies = all(placed, 'policies');
  const secrets = all(placed, 'secrets');
  return [
    ...duplicates(policies),
    ...duplicates(all(placed, 'dependents')),
    ...duplicates(secrets),
    ...policies.flatMap(({ path, one }) => waveProblems(one, path)),
    ...secrets.flatMap(({ path, one }) => {
      const found = policies.find((policy) => policy.one.name === one.policy);
      return secretProblems(one, path, found?.one);
    }),
  ];
}

function duplicates(named: readonly Placed<{ readonly name: string }>[]): Problem[] {
  const seen = new Set<string>();
  return named.flatMap(({ path, one: { name } }) => {
    const again = seen.has(name);
    seen.add(name);
    return again ? [{ path: `${path}.name`, message: `${name} is declared twice` }] : [];
  });
}

function waveProblems({ waves }: Policy, prefix: string): Problem[] {
  const names = new Set(waves.map(({ name }) => name));
  const dangling = waves.flatMap(({ after }, index) =>
    after
      .filter((name) => !names.has(name))
      .map((name) => ({
        path: `${prefix}.waves.${index}.after`,
        message: `there is no wave ${name}`,
      })),
  );
  const placed = waves.map((one, index) => ({ path: `${prefix}.waves.${index}`, one }));
  const found = [...duplicates(placed), ...dangling];
  if (found.length > 0) return found;
  const ordered = orderWaves(waves);
  if ('order' in ordered) return [];
  const message = `these waves wait for each other: ${ordered.cycle.join(' → ')}`;
  return [{ path: `${prefix}.waves`, message }];
}

/** What a dependency is held to; undefined where the policy stands in the registry alone. */
interface Held {
  readonly policy: string;
  readonly waves: readonly string[] | undefined;
  readonly leastEvidence: string | undefined;
}

function secretProblems(secret: Secret, prefix: string, declared: Policy | undefined): Problem[] {
  const policy = secret.policy === undefined ? standardPolicy : declared;
  const held: Held = {
    policy: secret.policy ?? standardPolicy.name,
    waves: policy?.waves.map(({ name }) => name),
    leastEvidence: policy?.leastEvidence,
  };
  const placed = secret.dependencies.map((one, index) => ({
    path: `${prefix}.dependencies.${index}`,
    one,
  }));
  return [
    ...placed.flatMap(({ path, one }) => [
      ...waveMissing(one, path, held),
      ...notRecognizable(one, path, held),
    ]),
    ...repeated(placed),
    ...recognizedByTheSame(placed),
  ];
}

function waveMissing({ wave }: Dependency, at: string, { policy, waves }: Held): Problem[] {
  if (wave === undefined || waves === undefined || waves.includes(wave)) return [];
  return [{ path: `${at}.wave`, message: `policy ${policy} has no wave ${wave}` }];
}

/** Nobody's use would count as its own: it could never be proven to have moved. */
function notRecognizable(dependency: Dependency, at: string, held: Held): Problem[] {
  const least = dependency.leastEvidence ?? held.leastEvidence;
  if (least !== 'observed' || dependency.seenAs !== undefined) return [];
  const message = `is missing: the least evidence is observed, and nothing says how ${dependency.dependent} is recognized`;
  const hint = 'say address, userAgent or name; or a weaker leastEvidence, such as read-back';
  return [{ path: `${at}.seenAs`, message, hint }];
}

/** Each would undo what the other says, at every time that they are applied. */
function repeated(placed: readonly Placed<Dependency>[]): Problem[] {
  const seen = new Set<string>();
  return placed.flatMap(({ path, one: { dependent, connector, destination } }) => {
    const key = JSON.stringify([dependent, connector, inOrder(destination)]);
    const again = seen.has(key);
    seen.add(key);
    const message = `${dependent} is declared twice with this destination`;
    return again ? [{ path: `${path}.destination`, message }] : [];
  });
}

function inOrder(fields: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
}

function recognizedByTheSame(placed: readonly Placed<Dependency>[]): Problem[] {
  const seen = new Map<string, string>();
  return placed.flatMap(({ path, one: { dependent, seenAs } }, index) => {
    if (seenAs === undefined) return [];
    const key = JSON.stringify(seenAs);
    const other = seen.get(key);
    seen.set(key, `dependency ${index + 1}, of ${dependent},`);
    if (other === undefined) return [];
    const message = `${other} is recognized by the same: neither would be`;
    return [{ path: `${path}.seenAs`, message }];
  });
}
