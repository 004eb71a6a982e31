/** `npm run bench`: ratios where they can be, all on one machine in one run; `-- --kills N`: the soak instead. */
import { writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import start from '../test/harness/start.js';
import stop from '../test/harness/stop.js';
import { compromiseBench } from './compromise.js';
import { killsBench } from './kills.js';
import type { Line } from './measure.js';
import { openRunsBench } from './open-runs.js';
import { manyDependentsBench } from './many-dependents.js';
import { planBench } from './plan.js';
import { rotateBench } from './rotate.js';
import { sweepBench } from './sweep.js';
import { schedulesBench } from './schedules.js';
import { tokenEndpointBench } from './token-endpoint.js';

function print({ what, measured, goal, met }: Line): void {
  writeSync(1, `${met ? '✓' : '✗'} ${what.padEnd(42)} ${measured.padEnd(34)} ${goal}\n`);
}

type Bench = () => Promise<Line[]>;

function chosen(): Bench[] {
  const { kills } = parseArgs({ options: { kills: { type: 'string' } } }).values;
  if (kills === undefined)
    return [
      rotateBench,
      compromiseBench,
      // Its memory is counted: before others leave some behind.
      manyDependentsBench,
      openRunsBench,
      tokenEndpointBench,
      planBench,
      sweepBench,
      schedulesBench,
    ];
  if (/^[1-9]\d*$/.test(kills)) return [() => killsBench(Number(kills))];
  throw new Error('--kills is the number of kills');
}

const benches = chosen();
await start();
for (const bench of benches) {
  for (const line of await bench()) print(line);
}
await stop();
process.exit(0);
