/** Logins as a file audit device tells them: OpenBao answers nobody before it has written the line. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { AdapterError } from '../../domain/errors.js';
import { onceForAll } from '../../domain/together.js';
import { noGap } from '../log-gap.js';
import { openLogTail, type LogReader } from '../log-tail.js';
import type { LogReading } from '../records.js';
import { parseLogin, timeOf, type AuditedLogin } from './audit-line.js';
import type { Bao } from '../../reach/openbao.js';
import { tagName } from './secret-ids.js';

export interface AuditLog {
  /** Whoever asks while a reading is about to begin shares it. */
  read(): Promise<LogReading>;
}

export interface AuditSource {
  readonly bao: Bao;
  readonly file: string;
  readonly mount: string;
  /** Told as it is read: what was read is never read again, even where the reading fails. */
  readonly seen: (login: AuditedLogin) => void;
}

/** Two lines of the same moment may come in either order. */
const settledMs = 100;

export function openAuditLog(source: AuditSource): AuditLog {
  const tail = openLogTail(() => Promise.resolve({ path: source.file, named: 'once' as const }));
  const gap = noGap();
  const place = { path: `auth/${source.mount}/login`, tagName };
  const readOnce = async (): Promise<LogReading> => {
    const mark = `rotor-${randomBytes(8).toString('hex')}`;
    // There is nothing at that path: only the line counts that tells of the question.
    await source.bao.ask({ method: 'GET', path: `cubbyhole/${mark}` });
    let now: Date | undefined;
    const reader: LogReader = {
      lost: () => gap.open(),
      line: (text) => {
        const at = timeOf(text);
        if (at === undefined) return gap.open();
        gap.closeAt(at);
        if (text.includes(mark)) now = at;
        const login = parseLogin(text, place);
        if (login !== undefined) source.seen(login);
      },
    };
    await tail.readUntil(mark, reader).catch((error: unknown) => {
      // Another server may answer now, and write elsewhere.
      gap.open();
      throw error;
    });
    gap.endedAt(await activeSince(source.bao));
    return readingAt(now ?? new Date(0), gap.last());
  };
  return { read: onceForAll(readOnce) };
}

function readingAt(now: Date, continuousSince: Date): LogReading {
  return { now, completeThrough: new Date(now.getTime() - settledMs), continuousSince };
}

const Leader = z.object({ active_time: z.iso.datetime().optional() });

/** Before that another server of the cluster answered, and wrote to a file of its own. */
async function activeSince(bao: Bao): Promise<Date> {
  const { status, body } = await bao.ask({ method: 'GET', path: 'sys/leader' });
  const parsed = Leader.safeParse(body);
  if (status !== 200 || !parsed.success)
    throw new AdapterError('bad-reply', 'OpenBao does not say since when it is active');
  return new Date(parsed.data.active_time ?? 0);
}
