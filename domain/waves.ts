/** In which order dependents move: declared waves, the canary first, in batches that one activity each carries. */
import type { DependencyFacts } from './facts.js';
import type { Policy, WaveRule } from './policy.js';
import type { PlannedWave } from './run.js';

/** Up to this many dependents each get an activity of their own: a history that people can read. */
export const readableDependents = 20;
export const largestBatch = 50;
/** Of whoever names no wave: after all others, but for those that wait for it. */
export const unnamedWave = 'everyone';

/** Names of the waves, each after those that it names in `after`; a cycle's names instead where there is one. */
export function orderWaves(rules: readonly WaveRule[]): { order: string[] } | { cycle: string[] } {
  const order: string[] = [];
  const left = new Map(rules.map((rule) => [rule.name, rule.after]));
  while (left.size > 0) {
    const ready = [...left].filter(([, after]) => after.every((name) => !left.has(name)));
    if (ready.length === 0) return { cycle: findCycle(left) };
    for (const [name] of ready) {
      order.push(name);
      left.delete(name);
    }
  }
  return { order };
}

function findCycle(left: ReadonlyMap<string, readonly string[]>): string[] {
  const path: string[] = [];
  let name = [...left.keys()][0];
  while (name !== undefined && !path.includes(name)) {
    path.push(name);
    name = left.get(name)?.find((next) => left.has(next));
  }
  return name === undefined ? path : [...path.slice(path.indexOf(name)), name];
}

/** The waves that the given dependencies still have to make. `canaryFirst`: nobody has moved yet. */
export function planWaves(
  policy: Policy,
  pending: readonly DependencyFacts[],
  canaryFirst: boolean,
): PlannedWave[] {
  const grouped = groupByWave(policy, pending);
  const hasCanary = canaryFirst && policy.canary && pending.length > 1;
  const canary = hasCanary ? canaryOf(grouped, pending) : undefined;
  const waves =
    canary === undefined
      ? grouped
      : [{ name: 'canary', members: [canary] }, ...without(grouped, canary)];
  const size = pending.length <= readableDependents ? 1 : largestBatch;
  return waves.map(({ name, members }) => ({ name, batches: inBatches(members, size) }));
}

/** The first program, wave by wave: a person, whom everybody else would wait for, only where there are persons alone. */
function canaryOf(waves: readonly Group[], all: readonly DependencyFacts[]): string | undefined {
  const people = new Set(
    all.filter(({ assignment }) => assignment !== undefined).map((one) => one.dependencyId),
  );
  const inOrder = waves.flatMap(({ members }) => members);
  return inOrder.find((id) => !people.has(id)) ?? inOrder[0];
}

function without(waves: readonly Group[], canary: string): Group[] {
  return waves.flatMap(({ name, members }) => {
    const [first, ...others] = members.filter((id) => id !== canary);
    return first === undefined ? [] : [{ name, members: [first, ...others] as const }];
  });
}

interface Group {
  readonly name: string;
  readonly members: readonly [string, ...string[]];
}

function groupByWave(policy: Policy, pending: readonly DependencyFacts[]): Group[] {
  const ordered = orderWaves(withUnnamed(policy.waves));
  const names = 'order' in ordered ? ordered.order : [unnamedWave];
  const byDependent = [...pending].sort((a, b) => (a.dependent < b.dependent ? -1 : 1));
  return names.flatMap((name) => {
    const own = byDependent.filter(({ wave }) => waveName(wave, names) === name);
    const [first, ...others] = own.map(({ dependencyId }) => dependencyId);
    return first === undefined ? [] : [{ name, members: [first, ...others] as const }];
  });
}

/** Whoever names no wave waits for all of them, but for those that wait for `everyone`. */
export function withUnnamed(rules: readonly WaveRule[]): readonly WaveRule[] {
  if (rules.some(({ name }) => name === unnamedWave)) return rules;
  const late = new Set([unnamedWave]);
  for (let before = 0; before !== late.size;) {
    before = late.size;
    for (const { name, after } of rules) if (after.some((one) => late.has(one))) late.add(name);
  }
  const after = rules.map(({ name }) => name).filter((name) => !late.has(name));
  return [...rules, { name: unnamedWave, after }];
}

function waveName(wave: string | undefined, names: readonly string[]): string {
  return wave !== undefined && names.includes(wave) ? wave : unnamedWave;
}

function inBatches(members: readonly string[], size: number): string[][] {
  const batches: string[][] = [];
  for (let start = 0; start < members.length; start += size) {
    batches.push(members.slice(start, start + size));
  }
  return batches;
}
