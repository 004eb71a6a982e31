/** A plan as people read it: waves with names, who breaks, what rotor cannot see, what blocks now. */
import type { Blocker } from '../domain/blocker.js';
import { capacityOf, type Capacity, type Limit } from '../domain/capacity.js';
import type { Facts } from '../domain/facts.js';
import type { Credential } from '../domain/issuer.js';
import { describeSource, isExplained } from '../domain/attribution.js';
import { blockersToRevoke, breakingDependents } from '../domain/gate.js';
import type { Plan } from '../domain/plan.js';
import { acceptedUses } from '../domain/quiet.js';
import { versionOf } from '../domain/progress.js';
import { outsideWindow } from '../domain/steps/window.js';

export interface Preview {
  readonly title: string;
  readonly steps: readonly string[];
  readonly ends: readonly string[];
  readonly waves: readonly { readonly name: string; readonly dependents: readonly string[] }[];
  readonly warnings: Plan['warnings'];
  /** What it has to fit into; none where nothing is made. */
  readonly limits: readonly Limit[];
  /** Declared dependents that would fail if the old version were revoked this moment. */
  readonly breaks: readonly string[];
  /** Sources that use a version to be ended and that no declaration explains. */
  readonly undeclared: readonly string[];
  readonly blockers: readonly Blocker[];
  /** Maintenance windows that are closed, and until when. */
  readonly waits: readonly string[];
}

export function previewOf(facts: Facts, plan: Plan, listed?: readonly Credential[]): Preview {
  const makes = plan.steps.includes('create') || plan.steps.includes('prepare');
  const { limits, blockers } = makes ? capacityOf(facts, listed) : nothing;
  const planned = withPlan(facts, plan);
  const names = new Map(facts.dependencies.map((d) => [d.dependencyId, d.dependent]));
  const waves = plan.waves.map(({ name, batches }) => ({
    name,
    dependents: batches.flat().map((id) => names.get(id) ?? id),
  }));
  return {
    title: plan.title,
    steps: plan.steps,
    ends: plan.ends.map((id) => `v${versionOf(facts, id)?.ordinal ?? '?'}`),
    waves,
    warnings: plan.warnings,
    limits,
    breaks: breaking(planned, plan),
    undeclared: undeclared(facts, plan),
    blockers: [...blockers, ...lasting(planned, plan)],
    waits: outsideWindow(planned).map(({ message }) => message),
  };
}

const nothing: Capacity = { limits: [], blockers: [] };

function withPlan(facts: Facts, plan: Plan): Facts {
  const { direction, steps, towards, ends } = plan;
  const stored = { revision: 0, hash: '', direction, steps, towards, ends };
  return { ...facts, run: { ...facts.run, plan: stored } };
}

function breaking(facts: Facts, plan: Plan): string[] {
  const [first] = plan.ends;
  if (first === undefined) return [];
  return breakingDependents(facts, first).map(({ dependent }) => dependent);
}

function undeclared(facts: Facts, plan: Plan): string[] {
  const uses = plan.ends.flatMap((id) => acceptedUses(facts, id));
  const unknown = uses.filter(({ source }) => !isExplained(source, facts.dependencies));
  return [...new Set(unknown.map(({ source }) => describeSource(source)))];
}

/** What the run itself will bring about is no news: the dependents move, the successor is confirmed. */
const brought: ReadonlySet<string> = new Set([
  'dependents-not-moved',
  'successor-not-proven',
  'quiet-period',
  'version-in-use',
  'record-missing',
]);

/** There is no run yet that could be told anything. */
function lasting(facts: Facts, plan: Plan): Blocker[] {
  const all = plan.ends.flatMap((id) => blockersToRevoke(facts, id, { openUse: undefined }));
  return all
    .filter(({ code }) => !brought.has(code))
    .map(({ accept: _run, acceptIf: _if, ...blocker }) => blocker);
}
