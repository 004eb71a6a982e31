/** Removes what is dead; what cannot be removed now is left to a workflow of its own, which holds no lock. */
import { leftoversWorkflowId, type Answer } from '../../domain/run.js';
import { cleanLeftovers } from '../clean-leftovers.js';
import { acts, perform, type Run } from '../run.js';
import { startOnce } from '../start-once.js';

export async function cleanStep(run: Run): Promise<Answer> {
  const { runId, secretId, secretName } = run.input;
  const summary = `remove what is dead from every destination (${secretName})`.slice(0, 200);
  const answer = await perform(run, 'clean', () =>
    acts.clean.executeWithOptions({ summary }, [{ runId }]),
  );
  if (answer.kind !== 'done' || answer.leftBehind === undefined) return answer;
  await startOnce(cleanLeftovers, {
    workflowId: leftoversWorkflowId(secretId),
    input: run.input,
    args: [secretId],
    summary: `remove what ${secretName} left behind`,
  });
  return answer;
}
