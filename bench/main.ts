/** `npm run bench`: ratios where they can be, all on one machine in one run; `-- --help` says what else there is. */
import { writeSync } from 'node:fs';
import { startAll } from '../test/harness/start.js';
import stop from '../test/harness/stop.js';
import { compromiseBench } from './compromise.js';
import { killsBench } from './kills.js';
import type { Line } from './measure.js';
import { openRunsBench } from './open-runs.js';
import { manyDependentsBench } from './many-dependents.js';
import { openbaoBench } from './openbao.js';
import { asked, usage, type Asked } from './options.js';
import { planBench } from './plan.js';
import { rotateBench } from './rotate.js';
import { sweepBench } from './sweep.js';
import { schedulesBench } from './schedules.js';
import { tokenEndpointBench } from './token-endpoint.js';

function print({ what, measured, goal, met }: Line): void {
  writeSync(1, `${met ? '✓' : '✗'} ${what.padEnd(53)} ${measured.padEnd(34)} ${goal}\n`);
}

type Bench = () => Promise<Line[]>;

const all: readonly Bench[] = [
  // Its memory is counted: before others leave some behind.
  manyDependentsBench,
  rotateBench,
  compromiseBench,
  openRunsBench,
  tokenEndpointBench,
  planBench,
  sweepBench,
  schedulesBench,
];

function chosen(wanted: Asked): readonly Bench[] {
  switch (wanted.what) {
    case 'all':
      return all;
    case 'openbao':
      return [openbaoBench];
    case 'kills':
      return [() => killsBench(wanted.times)];
    case 'help':
      writeSync(1, usage);
      process.exit(0);
    // Both end here.
    case 'wrong':
      writeSync(2, `${wanted.reason}\n\n${usage}`);
      process.exit(2);
  }
}

const wanted = asked(process.argv.slice(2));
const benches = chosen(wanted);
// OpenBao writes to disk: what it is compared with has to, too.
await startAll({ durable: wanted.what === 'openbao' });
for (const bench of benches) {
  for (const line of await bench()) print(line);
}
await stop();
process.exit(0);
