/** Logins and refusals as the server's own log tells them: exact, up to a line that rotor made it write. */
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { AdapterError } from '../../domain/errors.js';
import type { Administration } from './administration.js';

export interface LoggedLogin {
  readonly role: string;
  readonly at: Date;
  readonly outcome: 'accepted' | 'refused';
  readonly address: string | undefined;
  readonly application: string | undefined;
}

export interface LoggedLogins {
  readonly logins: readonly LoggedLogin[];
  /** The server's clock before the line was written that ends what was read. */
  readonly completeThrough: Date;
  /** Undefined where nothing is missing since the last reading. */
  readonly gapAt: Date | undefined;
}

export interface ConnectionLog {
  read(): Promise<LoggedLogins>;
}

/** The prefix that rotor reads: time, process, user, database, client, application. */
export const neededPrefix = '%m [%p] %u@%d %r %a ';

const begin = String.raw`(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \S+) \[(\d+)\] (\S*)@(\S*) (\S*) (.*?) ?`;
const authorized = new RegExp(
  `^${begin}LOG: {2}connection authorized: user=(\\S+).*?(?: application_name=(.*))?$`,
);
const refused = new RegExp(
  `^${begin}FATAL: {2}(?:password authentication failed for user "(.+)"|role "(.+)" is not permitted to log in)$`,
);

const chunkBytes = 1024 * 1024;

export function openConnectionLog(server: Administration, file: string): ConnectionLog {
  let offset: number | undefined;
  let rest = '';
  return {
    read: async () => {
      await refuseUnfit(server);
      const mark = `rotor-${randomBytes(8).toString('hex')}`;
      const [clock] = await server.query<{ now: Date }>('select clock_timestamp() as now');
      const now = clock?.now ?? new Date(0);
      await server.query(`do $$ begin raise log '${mark}'; end $$`);
      const lines: string[] = [];
      let gap = false;
      for (let attempt = 0; ; attempt += 1) {
        const read = await readFrom(file, offset ?? 0);
        gap ||= read.truncated;
        offset = read.end;
        const parts = (rest + read.text).split('\n');
        rest = parts.pop() ?? '';
        lines.push(...parts);
        if (lines.some((line) => line.includes(mark))) break;
        if (attempt > 100)
          throw new AdapterError(
            'unreachable',
            "the server's log does not grow: is it the right file?",
          );
        await pause(20);
      }
      return {
        logins: lines.flatMap(parseLine),
        completeThrough: now,
        gapAt: gap ? now : undefined,
      };
    },
  };
}

async function refuseUnfit(server: Administration): Promise<void> {
  const [found] = await server.query<{ prefix: string; connections: string }>(
    `select current_setting('log_line_prefix') as prefix, current_setting('log_connections') as connections`,
  );
  const logs = found !== undefined && found.connections !== 'off' && found.connections !== '';
  if (found?.prefix === neededPrefix && logs) return;
  throw new AdapterError(
    'refused',
    `the server's log cannot be read: log_connections has to be on, log_line_prefix '${neededPrefix}'`,
  );
}

/** A file that is shorter than before was rotated: what was between is lost, and that is said. */
async function readFrom(
  file: string,
  offset: number,
): Promise<{ text: string; end: number; truncated: boolean }> {
  let handle;
  try {
    handle = await open(file, 'r');
  } catch {
    throw new AdapterError('unreachable', `the server's log ${file} cannot be read`);
  }
  try {
    const { size } = await handle.stat();
    const truncated = size < offset;
    let position = truncated ? 0 : offset;
    const chunks: Buffer[] = [];
    while (position < size) {
      const { bytesRead, buffer } = await handle.read(
        Buffer.alloc(Math.min(chunkBytes, size - position)),
        { position },
      );
      if (bytesRead === 0) break;
      chunks.push(buffer.subarray(0, bytesRead));
      position += bytesRead;
    }
    return { text: Buffer.concat(chunks).toString('utf8'), end: position, truncated };
  } finally {
    await handle.close();
  }
}

export function parseLine(line: string): LoggedLogin[] {
  const accepted = authorized.exec(line);
  if (accepted !== null) {
    const [, time = '', , , , client = '', , user = '', application] = accepted;
    return [login({ time, client, role: user, application }, 'accepted')];
  }
  const denied = refused.exec(line);
  if (denied === null) return [];
  const [, time = '', , , , client = '', application, one, other] = denied;
  return [login({ time, client, role: one ?? other ?? '', application }, 'refused')];
}

interface Parts {
  readonly time: string;
  readonly client: string;
  readonly role: string;
  readonly application: string | undefined;
}

function login(
  { time, client, role, application }: Parts,
  outcome: 'accepted' | 'refused',
): LoggedLogin {
  const address = /^(.+)\(\d+\)$/.exec(client)?.[1];
  const named =
    application === undefined || application === '' || application === '[unknown]'
      ? undefined
      : application;
  return { role, at: timeOf(time), outcome, address, application: named };
}

/** `2026-01-02 03:04:05.678 UTC`: zones by name are only read where the server logs in UTC or GMT. */
function timeOf(text: string): Date {
  const [date = '', time = '', zone = ''] = text.split(' ');
  const offset = zone === 'UTC' || zone === 'GMT' ? 'Z' : zone;
  const at = new Date(`${date}T${time}${offset}`);
  if (!Number.isNaN(at.getTime())) return at;
  throw new AdapterError('refused', "the server's log is not in UTC: set log_timezone to UTC");
}
