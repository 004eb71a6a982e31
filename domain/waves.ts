/** In which order dependents move: declared waves, the canary first, in batches that one activity each carries. */
import type { DependencyFacts } from './facts.js';
import type { Policy, WaveRule } from './policy.js';
import type { PlannedWave } from './run.js';

/** Up to this many dependents each get an activity of their own: a history that people can read. */
export const readableDependents = 20;
export const largestBatch = 50;
const unnamedWave = 'everyone';

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
  const waves = groupByWave(policy, pending);
  const first = waves[0];
  if (canaryFirst && policy.canary && pending.length > 1 && first !== undefined) {
    const canary = canaryOf(first, pending);
    const [second, ...others] = first.members.filter((id) => id !== canary);
    const rest: Group[] =
      second === undefined ? [] : [{ name: first.name, members: [second, ...others] }];
    waves.splice(0, 1, { name: 'canary', members: [canary] }, ...rest);
  }
  const size = pending.length <= readableDependents ? 1 : largestBatch;
  return waves.map(({ name, members }) => ({ name, batches: inBatches(members, size) }));
}

/** The first by name; a program before a person, whom everybody else would wait for. */
function canaryOf({ members: [first, ...others] }: Group, all: readonly DependencyFacts[]): string {
  const people = new Set(
    all.filter(({ assignment }) => assignment !== undefined).map((one) => one.dependencyId),
  );
  return people.has(first) ? (others.find((id) => !people.has(id)) ?? first) : first;
}

interface Group {
  readonly name: string;
  readonly members: readonly [string, ...string[]];
}

function groupByWave(policy: Policy, pending: readonly DependencyFacts[]): Group[] {
  const ordered = orderWaves(policy.waves);
  const declared = 'order' in ordered ? ordered.order : [];
  const names = [...declared, unnamedWave];
  const byDependent = [...pending].sort((a, b) => (a.dependent < b.dependent ? -1 : 1));
  return names.flatMap((name) => {
    const own = byDependent.filter(({ wave }) => waveName(wave, declared) === name);
    const [first, ...others] = own.map(({ dependencyId }) => dependencyId);
    return first === undefined ? [] : [{ name, members: [first, ...others] as const }];
  });
}

function waveName(wave: string | undefined, declared: readonly string[]): string {
  return wave !== undefined && declared.includes(wave) ? wave : unnamedWave;
}

function inBatches(members: readonly string[], size: number): string[][] {
  const batches: string[][] = [];
  for (let start = 0; start < members.length; start += size) {
    batches.push(members.slice(start, start + size));
  }
  return batches;
}
