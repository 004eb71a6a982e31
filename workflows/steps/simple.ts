/** Steps that are one activity, asked until it is done. */
import type { Answer, StepName } from '../../domain/run.js';
import { acts, perform, type Run } from '../run.js';

export type SimpleStep = Exclude<StepName, 'update' | 'clean' | 'monitor'>;

const summaries: Readonly<Record<SimpleStep, string>> = {
  approve: 'who approves the plan?',
  window: 'is a maintenance window open?',
  prepare: 'seal the next value',
  cutover: 'replace the value in place, and prove it',
  create: 'make, seal and prove the replacement',
  verify: 'is the old version unused?',
  disable: 'refuse the old version, reversibly',
  revoke: 'grant, revoke, prove refusal',
};

export function isSimple(step: StepName): step is SimpleStep {
  return Object.hasOwn(summaries, step);
}

export function simpleStep(run: Run, step: SimpleStep): Promise<Answer> {
  const summary = `${summaries[step]} (${run.input.secretName})`.slice(0, 200);
  const { runId } = run.input;
  return perform(run, step, () => acts[step].executeWithOptions({ summary }, [{ runId }]));
}
