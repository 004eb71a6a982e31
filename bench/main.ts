/** `npm run bench`: ratios where they can be, all on one machine in one run. */
import { writeSync } from 'node:fs';
import start from '../test/harness/start.js';
import stop from '../test/harness/stop.js';
import { compromiseBench } from './compromise.js';
import type { Line } from './measure.js';
import { planBench } from './plan.js';
import { rotateBench } from './rotate.js';
import { tokenEndpointBench } from './token-endpoint.js';

function print({ what, measured, goal, met }: Line): void {
  writeSync(1, `${met ? '✓' : '✗'} ${what.padEnd(42)} ${measured.padEnd(34)} ${goal}\n`);
}

await start();
for (const bench of [rotateBench, compromiseBench, tokenEndpointBench, planBench]) {
  for (const line of await bench()) print(line);
}
await stop();
process.exit(0);
