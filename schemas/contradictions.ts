/** What is wrong between declarations, though each is right by itself: names, waves, and who could be recognized. */
import type { KnownOrganization } from '../domain/declarations.js';
import type { Problem } from '../domain/errors.js';
import { standardPolicy } from '../domain/policy.js';
import { orderWaves, unnamedWave, withUnnamed } from '../domain/waves.js';
import type { Kinds } from './kinds.js';
import type { Placed, RightDependency, RightDocument, RightPolicy, RightSecret } from './placed.js';
import { scheduleProblems } from './schedules.js';

const nothingKnown: KnownOrganization = {
  policies: new Map(),
  dependents: new Set(),
  origins: new Map(),
  secrets: new Set(),
};

/** What only the kinds and the calendar can say. */
type Judges = Pick<Kinds, 'whyNever' | 'asksPeople'>;

/** An organization may be declared in several documents: they are looked at as one, with what the registry knows. */
export function contradictions(
  documents: readonly RightDocument[],
  known: ReadonlyMap<string, KnownOrganization>,
  kinds: Judges,
): Problem[] {
  const within = (own: readonly RightDocument[], of: KnownOrganization): Problem[] =>
    withinOrganization(own, of, kinds);
  const nameless = documents.filter(({ organization }) => organization === undefined);
  const names = new Set(documents.flatMap(({ organization }) => organization ?? []));
  return [
    ...[...names].flatMap((name) => {
      const own = documents.filter(({ organization }) => organization === name);
      return within(own, known.get(name) ?? nothingKnown);
    }),
    ...nameless.flatMap((document) => within([document], nothingKnown)),
  ];
}

function withinOrganization(
  documents: readonly RightDocument[],
  known: KnownOrganization,
  kinds: Judges,
): Problem[] {
  const policies = documents.flatMap((document) => document.policies);
  const dependents = documents.flatMap((document) => document.dependents);
  const secrets = documents.flatMap((document) => document.secrets);
  const names = new Set([...dependents.map(({ one }) => one.name), ...known.dependents]);
  return [
    ...duplicates(policies),
    ...duplicates(dependents),
    ...duplicates(secrets),
    ...policies.flatMap((policy) => waveProblems(policy)),
    ...scheduleProblems({ policies, secrets, known }, kinds.whyNever),
    ...secrets.flatMap((secret) => [
      ...policyMissing(secret, policies, known),
      ...secretProblems(secret, heldTo(secret, policies, known), kinds),
      ...secret.dependencies.flatMap((dependency) => dependentMissing(dependency, names)),
    ]),
  ];
}

function duplicates(named: readonly Placed<{ readonly name?: string }>[]): Problem[] {
  const seen = new Set<string>();
  return named.flatMap(({ path, one: { name } }) => {
    if (name === undefined) return [];
    const again = seen.has(name);
    seen.add(name);
    return again ? [{ path: `${path}.name`, message: `${name} is declared twice` }] : [];
  });
}

function waveProblems({ path: prefix, one: { waves } }: RightPolicy): Problem[] {
  if (waves === undefined) return [];
  const names = new Set([...waves.map(({ name }) => name), unnamedWave]);
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
  const ordered = orderWaves(withUnnamed(waves));
  if ('order' in ordered) return [];
  const message = `these waves wait for each other: ${ordered.cycle.join(' → ')}`;
  return [{ path: `${prefix}.waves`, message }];
}

function policyMissing(
  { path, one: { policy } }: RightSecret,
  declared: readonly RightPolicy[],
  known: KnownOrganization,
): Problem[] {
  if (policy === undefined || known.policies.has(policy)) return [];
  if (declared.some(({ one }) => one.name === policy)) return [];
  const hint = 'declare it under policies';
  return [{ path: `${path}.policy`, message: `there is no policy ${policy}`, hint }];
}

function dependentMissing(
  { path, one: { dependent } }: RightDependency,
  names: ReadonlySet<string | undefined>,
): Problem[] {
  if (dependent === undefined || names.has(dependent)) return [];
  const message = `there is no dependent ${dependent}`;
  return [{ path: `${path}.dependent`, message, hint: 'declare it under dependents' }];
}

/** What a dependency is held to; undefined where the policy is wrong itself, or is not there. */
interface Held {
  readonly policy: string;
  readonly waves: readonly string[] | undefined;
  readonly leastEvidence: string | undefined;
}

function heldTo(
  { one: secret }: RightSecret,
  declared: readonly RightPolicy[],
  known: KnownOrganization,
): Held {
  const name = secret.policy;
  if (!('policy' in secret)) return { policy: '', waves: undefined, leastEvidence: undefined };
  const own = declared.find(({ one }) => one.name === name)?.one;
  const policy = name === undefined ? standardPolicy : (own ?? known.policies.get(name));
  return {
    policy: name ?? standardPolicy.name,
    waves: policy?.waves?.map((wave) => wave.name),
    leastEvidence: policy?.leastEvidence,
  };
}

function secretProblems({ dependencies }: RightSecret, held: Held, kinds: Judges): Problem[] {
  return [
    ...dependencies.flatMap((dependency) => [
      ...waveMissing(dependency, held),
      ...notRecognizable(dependency, held),
      ...notReadBack(dependency, held, kinds),
    ]),
    ...repeated(dependencies),
    ...recognizedByTheSame(dependencies),
  ];
}

function waveMissing({ path, one: { wave } }: RightDependency, { policy, waves }: Held): Problem[] {
  if (wave === undefined || waves === undefined || waves.includes(wave)) return [];
  const hint = `say it in the policy: waves: [{ name: ${wave} }]`;
  return [{ path: `${path}.wave`, message: `policy ${policy} has no wave ${wave}`, hint }];
}

/** Nobody's use would count as its own: it could never be proven to have moved. */
function notRecognizable({ path, one: dependency }: RightDependency, held: Held): Problem[] {
  if (!('leastEvidence' in dependency && 'seenAs' in dependency)) return [];
  const least = dependency.leastEvidence ?? held.leastEvidence;
  if (least !== 'observed' || dependency.seenAs !== undefined) return [];
  const who = dependency.dependent ?? 'it';
  const message = `is missing: the least evidence is observed, and nothing says how ${who} is recognized`;
  const hint = 'say address, userAgent or name; or a weaker leastEvidence, such as read-back';
  return [{ path: `${path}.seenAs`, message, hint }];
}

/** What a person typed in, nobody can read: a level between their word and real use is given by nobody. */
function notReadBack(
  { path, one: dependency }: RightDependency,
  held: Held,
  { asksPeople }: Judges,
): Problem[] {
  const { connector, leastEvidence } = dependency;
  if (connector === undefined || !asksPeople(connector)) return [];
  const least = 'leastEvidence' in dependency ? (leastEvidence ?? held.leastEvidence) : undefined;
  if (least !== 'read-back' && least !== 'attested') return [];
  const whose = leastEvidence === undefined ? ` (policy ${held.policy})` : '';
  const message = `is ${least}${whose}, and nobody can read back what a person typed in`;
  const hint = 'say leastEvidence: observed, with seenAs; or human, which takes their word for it';
  return [{ path: `${path}.leastEvidence`, message, hint }];
}

/** Each would undo what the other says, at every time that they are applied. */
function repeated(dependencies: readonly RightDependency[]): Problem[] {
  const seen = new Set<string>();
  return dependencies.flatMap(({ path, one: { dependent, connector, destination } }) => {
    if (dependent === undefined || destination === undefined) return [];
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

function recognizedByTheSame(dependencies: readonly RightDependency[]): Problem[] {
  const seen = new Map<string, string>();
  return dependencies.flatMap(({ path, one: { dependent, seenAs } }, index) => {
    if (seenAs === undefined) return [];
    const key = JSON.stringify(seenAs);
    const other = seen.get(key);
    seen.set(key, `dependency ${index + 1}, of ${dependent ?? 'nobody'},`);
    if (other === undefined) return [];
    const message = `${other} is recognized by the same: neither would be`;
    return [{ path: `${path}.seenAs`, message }];
  });
}
