/** Whatever keeps a step from going on is written to the run's row, wherever it was found: people look there. */
import { Context } from '@temporalio/activity';
import { AdapterError } from '../domain/errors.js';
import type { Answer } from '../domain/run.js';
import { answered } from '../domain/steps/standing.js';
import { recordBeside, type Ports } from './ports.js';

export async function told(
  ports: Ports,
  runId: string,
  work: () => Promise<Answer>,
): Promise<Answer> {
  let answer: Answer;
  try {
    answer = await work();
  } catch (error) {
    // Only for people to see: what failed is what counts, also where this cannot be written.
    if (error instanceof AdapterError)
      await tellFailure(ports, runId, error).catch(() => undefined);
    throw error;
  }
  if (answer.kind === 'blocked') await ports.registry.decide(runId, () => answered(answer));
  if (answer.kind === 'done' && Context.current().info.attempt > 1) await tellNothing(ports, runId);
  return answer;
}

/** A failure that passes is retried by Temporal; meanwhile the run says what it is waiting for. */
function tellFailure(ports: Ports, runId: string, { code, message }: AdapterError): Promise<void> {
  const text = `${message} (${code}); it is tried again`;
  return recordBeside(ports, runId, [
    { change: 'run-waits', code: 'retrying', told: text, until: undefined },
  ]);
}

/** It went on: what was told no longer holds. Runs that are over by now have nothing to tell. */
async function tellNothing(ports: Ports, runId: string): Promise<void> {
  await recordBeside(ports, runId, [{ change: 'run-goes-on' }]).catch(() => undefined);
}
