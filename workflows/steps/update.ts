/** Moves dependents wave by wave; within a wave all batches at once. */
import type { Answer, PlannedWave } from '../../domain/run.js';
import { acts, perform, type Run } from '../run.js';

export async function updateStep(run: Run, waves: readonly PlannedWave[]): Promise<Answer> {
  if (waves.length === 0) return moveBatch(run, 'nobody left to move', []);
  for (const { name, batches } of waves) {
    const moves = batches.map((batch, index) =>
      moveBatch(run, `wave ${name}, ${index + 1} of ${batches.length}`, batch),
    );
    const answers = await Promise.all(moves);
    const changed = answers.find(({ kind }) => kind === 'replan');
    if (changed !== undefined) return changed;
  }
  return { kind: 'done', told: 'everybody moved' };
}

async function moveBatch(
  run: Run,
  about: string,
  dependencyIds: readonly string[],
): Promise<Answer> {
  const { runId } = run.input;
  const summary = `update: ${about}`.slice(0, 200);
  const answer = await perform(run, `update ${about}`, () =>
    acts.update.executeWithOptions({ summary }, [{ runId, dependencyIds }]),
  );
  // Batches of the same wave that wait for somebody stop waiting: the plan they belong to is over.
  if (answer.kind === 'replan') run.progress.replanning = true;
  return answer;
}
