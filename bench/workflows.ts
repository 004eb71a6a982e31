/** The measure that rotor is held against: a workflow of as many activities that do nothing. */
import { proxyActivities } from '@temporalio/workflow';

interface Noops {
  noop(index: number): Promise<number>;
}

const { noop } = proxyActivities<Noops>({ startToCloseTimeout: '10 seconds' });

export async function noops(count: number): Promise<number> {
  let done = 0;
  for (let index = 0; index < count; index += 1) done += await noop(index);
  return done;
}
