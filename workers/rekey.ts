/** `rotor rekey`: runs where the key file is, since keys and values stay in one process. */
import { hostname, userInfo } from 'node:os';
import type pg from 'pg';
import { exitCodeOf, exitCodes, printError, table } from '../client/cli/output.js';
import { RotorError } from '../domain/errors.js';
import { oneAtATime } from '../infra/registry/turn.js';
import { openSealedStore } from '../stores/sealed/index.js';
import { endWithParent } from './child.js';
import type { Environment } from './environment.js';
import { killPoint } from './kill-point.js';
import { openParts } from './parts.js';
import {
  addKey,
  dropKeys,
  keyStates,
  promoteKey,
  rekey,
  resealAll,
  type KeyState,
  type RekeyParts,
} from './rekey-steps.js';
import { readSettings, stateFolderOf } from './settings.js';
import { readTold, serversFile } from './stack/told.js';

/** Each tells how many values could not be opened. */
const steps: Readonly<Record<string, (parts: RekeyParts) => Promise<number | void>>> = {
  all: rekey,
  add: addKey,
  promote: promoteKey,
  reseal: resealAll,
  drop: dropKeys,
  status: () => Promise.resolve(),
};

const words: Readonly<Record<KeyState['does'], string>> = {
  seals: 'seals, and opens',
  opens: 'opens what was sealed before; backups may need it',
  pending: 'opens, until it is promoted',
  missing: 'is not in the key file',
};

/** Two at once would each add a key. */
async function alone<T>(pool: pg.Pool, work: () => Promise<T>): Promise<T> {
  const done = await oneAtATime(pool, 'rotor.rekey', async () => ({ result: await work() }));
  if (done !== undefined) return done.result;
  throw new RotorError('rekey-running', 'somebody is at it already', { kind: 'conflict' });
}

/** Beside `npm start` nobody need say where the database is. */
function besideServers(environment: Environment): Environment {
  const { DATABASE_URL: url, DATABASE_URL_FILE: file } = environment;
  if (url !== undefined || file !== undefined) return environment;
  const told = readTold(serversFile(stateFolderOf(environment)));
  return told === undefined ? environment : { ...environment, DATABASE_URL: told.databaseUrl };
}

async function run(step: string, json: boolean): Promise<number> {
  const work = steps[step];
  if (work === undefined)
    throw new RotorError('usage-invalid', `there is no step ${step}`, { kind: 'invalid' });
  const settings = readSettings(besideServers(process.env));
  const parts = await openParts(settings);
  const { pool, audit, keys } = parts;
  const rekeyParts: RekeyParts = {
    pool,
    audit,
    keys,
    keyFile: settings.keyFile,
    store: openSealedStore({ database: pool, keys: keys.sealing }),
    by: `${userInfo().username}@${hostname()}`,
    reached: killPoint(process.env),
  };
  const unopened = (await alone(pool, () => work(rekeyParts))) ?? 0;
  const states = await keyStates(rekeyParts);
  console.log(json ? JSON.stringify({ keys: states, unopened }, undefined, 2) : textOf(states));
  if (unopened > 0) console.error(`${unopened} values cannot be opened, and stay as they are`);
  await pool.end();
  return unopened > 0 || states.some((key) => key.does === 'missing')
    ? exitCodes.faulty
    : exitCodes.fine;
}

function textOf(states: readonly KeyState[]): string {
  return table(
    ['key', 'values', ''],
    states.map(({ kid, values, does }) => [kid, values, words[does]]),
  );
}

endWithParent(() => process.exit(exitCodes.failed));
const [step = 'all', ...options] = process.argv.slice(2);
const json = options.includes('--json');
try {
  process.exit(await run(step, json));
} catch (error) {
  const known =
    error instanceof RotorError
      ? error
      : new RotorError('unexpected', 'something unexpected happened', { kind: 'failed' });
  printError(known, json);
  process.exit(exitCodeOf(known));
}
