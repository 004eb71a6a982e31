/** Interprets a stored plan, step by step; whenever the facts no longer fit it, there is a new one. */
import { patched, sleep } from '@temporalio/workflow';
import type { Answer, RunInput, StepName, StoredPlan } from '../domain/run.js';
import { acts, beginAnew, beginRun, endRun, enterPlan, enterStep, type Run } from './run.js';
import { cleanStep } from './steps/clean.js';
import { monitorStep } from './steps/monitor.js';
import { isSimple, simpleStep } from './steps/simple.js';
import { updateStep } from './steps/update.js';

/** So many plans in one history are more than people and facts give cause for: from then on each is waited for. */
const plansAtOnce = 20;
const pauseMs = 5_000;

export async function carryOut(input: RunInput): Promise<string> {
  const run = beginRun(input);
  for (let plans = 1; ; plans += 1) {
    const summary = `plan for ${input.secretName}`.slice(0, 200);
    const plan = await acts.plan.executeWithOptions({ summary }, [{ runId: input.runId }]);
    enterPlan(run, plan);
    if (await carriedOut(run, plan)) {
      const outcome = plan.steps.at(-1) === 'clean' ? 'rolled-back' : 'succeeded';
      endRun(run, outcome);
      return outcome;
    }
    if (plans >= plansAtOnce && patched('pause-between-plans')) await sleep(pauseMs);
    await beginAnew(run);
  }
}

async function carriedOut(run: Run, plan: StoredPlan): Promise<boolean> {
  for (const step of plan.steps) {
    enterStep(run, step);
    const answer = await carryOutStep(run, plan, step);
    if (answer.kind === 'replan') return false;
  }
  return true;
}

function carryOutStep(run: Run, plan: StoredPlan, step: StepName): Promise<Answer> {
  if (isSimple(step)) return simpleStep(run, step);
  switch (step) {
    case 'update':
      return updateStep(run, plan.waves);
    case 'clean':
      return cleanStep(run);
    case 'monitor':
      return monitorStep(run, plan.ends);
    default:
      throw unknownStep(step);
  }
}

/**
 * A newer release stored this plan. Not a failure of Temporal's: such an error holds the task open, and
 * Temporal asks again until a worker of that release takes it; the run is never lost.
 */
function unknownStep(step: never): Error {
  return new Error(
    `this worker is older than the plan and does not know step ${String(step)}: a worker of the newer release goes on here`,
  );
}
