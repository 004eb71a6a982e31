/** The scenarios of the demo: how each is asked for, and what it shows. */
import { parseArgs } from 'node:util';
import { RotorError } from '../../domain/errors.js';
import { breakGlass } from './break-glass.js';
import { incident } from './incident.js';
import { leak } from './leak.js';
import { schedule } from './schedule.js';
import type { Scenario } from './stage.js';

interface Listed {
  /** Undefined: where nothing is said. */
  readonly option?: string;
  readonly shows: string;
  readonly play: Scenario;
}

const scenarios: readonly Listed[] = [
  {
    shows: 'a secret that five programs use is rotated; one of them nobody declared; then it leaks',
    play: leak,
  },
  {
    option: 'break-glass',
    shows: 'a login leaks while all of rotor is down',
    play: breakGlass,
  },
  {
    option: 'incident',
    shows: 'a host is broken into, and all that it held is contained though the worker is killed',
    play: incident,
  },
  {
    option: 'schedule',
    shows: 'slots in three zones, weeks of daily slots in a minute, and a run that others approve',
    play: schedule,
  },
];

export const usage = [
  'usage: npm run demo [-- SCENARIO] [--json FILE] [--keep]',
  '',
  ...scenarios.map(
    ({ option, shows }) => `  ${(option === undefined ? '' : `--${option}`).padEnd(15)}${shows}`,
  ),
  '',
  '  --json FILE    writes what was measured',
  '  --keep         leaves everything running at the end',
  '',
  'Exit code 1: a promise did not hold. Such as: npm run demo -- --incident --json figures.json',
].join('\n');

export interface Asked {
  readonly help: boolean;
  readonly keep: boolean;
  readonly json: string | undefined;
  readonly scenario: Scenario;
}

export function asked(args: readonly string[]): Asked {
  const names = scenarios.flatMap(({ option }) => option ?? []);
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'string' },
      keep: flag,
      help: { ...flag, short: 'h' },
      ...Object.fromEntries(names.map((name) => [name, flag])),
    },
  });
  const flags: Readonly<Record<string, unknown>> = values;
  const wanted = names.filter((name) => flags[name] === true);
  if (wanted.length > 1)
    throw new RotorError('demo-unclear', `one scenario at a time: ${wanted.join(' or ')}`, {
      kind: 'invalid',
    });
  const scenario = scenarios.find(({ option }) => option === wanted[0]);
  return {
    help: flags['help'] === true,
    keep: flags['keep'] === true,
    json: typeof flags['json'] === 'string' ? flags['json'] : undefined,
    scenario: scenario?.play ?? leak,
  };
}
