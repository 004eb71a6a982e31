/** Logins and refusals as the server's own log tells them: exact, up to a line that rotor made the server write. */
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AdapterError } from '../../domain/errors.js';
import { onceForAll } from '../../domain/together.js';
import { isRefusal, type Administration } from './administration.js';
import { openContinuity } from './continuity.js';
import type { LoggedLogin } from './log-lines.js';
import { lookAtSettings } from './log-settings.js';
import { openLogTail, type LogPlace } from '../log-tail.js';
import type { LogReading } from '../records.js';

export interface ConnectionLog {
  /** Whoever asks while a reading is about to begin shares it. */
  read(): Promise<LogReading>;
}

export interface LogSource {
  readonly server: Administration;
  /** The file, or the folder in which the server names each file anew. */
  readonly path: string;
  /** Told as it is read: what was read is never read again, even where the reading fails. */
  readonly seen: (login: LoggedLogin) => void;
}

/** A line carries the time at which the server began to write it, and may come after a younger one. */
const settledMs = 100;

export function openConnectionLog(source: LogSource): ConnectionLog {
  const tail = openLogTail(() => locate(source));
  const continuity = openContinuity();
  const readOnce = async (): Promise<LogReading> => {
    const look = await lookAtSettings(source.server);
    const mark = `rotor-${randomBytes(8).toString('hex')}`;
    await source.server.query(`do $$ begin raise log '${mark}'; end $$`);
    const reader = continuity.readerFor(look, source.seen);
    await tail.readUntil(mark, reader);
    reader.proven();
    return {
      now: look.now,
      completeThrough: new Date(look.now.getTime() - settledMs),
      continuousSince: continuity.sinceAt(look),
    };
  };
  return { read: onceForAll(readOnce) };
}

/** Asked for after the mark was written: the mark is in that file, or in one that is open already. */
async function locate({ server, path }: LogSource): Promise<LogPlace> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) return { path, named: 'once' };
  const [current] = await server
    .query<{ file: string | null }>(`select pg_current_logfile('stderr') as file`)
    .catch(noneWhereRefused);
  if (typeof current?.file === 'string')
    return { path: join(path, basename(current.file)), named: 'each' };
  throw new AdapterError(
    'refused',
    `${path} is a folder, and the server names rotor no log file: grant pg_monitor to rotor's administrator, set ` +
      'logging_collector to on and log_destination to stderr, or name the file itself in connectionLogFile',
  );
}

function noneWhereRefused(error: unknown): [] {
  if (isRefusal(error)) return [];
  throw error;
}
