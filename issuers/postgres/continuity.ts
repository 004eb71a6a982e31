/** Since when nothing is missing in what was read of a log, over all readings. */
import { AdapterError } from '../../domain/errors.js';
import { parseLine, timeOfLine, type LoggedLogin, type LogLine } from './log-lines.js';
import type { Look } from './log-settings.js';
import { noGap, type Gap } from '../log-gap.js';
import type { LogReader } from '../log-tail.js';

const recentMs = 60_000;

export interface Continuity {
  readerFor(look: Look, seen: (login: LoggedLogin) => void): ProvingReader;
  sinceAt(look: Look): Date;
}

interface ProvingReader extends LogReader {
  /** Throws where the server did not log the login that rotor itself just made: nobody's is, then. */
  proven(): void;
}

export function openContinuity(): Continuity {
  const gap = noGap();
  return {
    sinceAt: (look) => {
      gap.closeAt(look.now);
      // What was set in an earlier life of the server, and where it logged, is not known.
      gap.endedAt(look.startedAt);
      return gap.last();
    },
    readerFor: (look, seen) => {
      let isProven = false;
      let hasLost = false;
      return {
        lost: () => {
          // Nothing is lost where nothing was read before.
          hasLost = gap.last().getTime() > 0;
          gap.open();
        },
        line: (text) => {
          const line = parseLine(text);
          noteGap(gap, { line, look, at: timeOfLine(text) });
          if (line.kind !== 'login') return;
          isProven ||= isOwn(line, look);
          seen(line.login);
        },
        proven: () => {
          if (!isProven) throw unproven(hasLost);
        },
      };
    },
  };
}

/** Process ids come again: an old line with this one proves nothing. */
function isOwn({ pid, login }: Extract<LogLine, { kind: 'login' }>, { pid: own, now }: Look) {
  const isRecent = now.getTime() - login.at.getTime() < recentMs;
  return pid === own && isRecent && login.outcome === 'accepted';
}

interface Read {
  readonly line: LogLine;
  readonly at: Date | undefined;
  readonly look: Look;
}

function noteGap(gap: Gap, { line, at, look }: Read): void {
  if (line.kind === 'unclear') return gap.open();
  if (at !== undefined) gap.closeAt(at);
  if (line.kind !== 'changed') return;
  // Elsewhere the log may have told more than the line of the change.
  if (line.what === 'where') gap.endedAt(look.now);
  else if (at === undefined) gap.open();
  else gap.endedAt(at);
}

function unproven(hasLost: boolean): AdapterError {
  return hasLost
    ? new AdapterError('unreachable', "lines of the server's log were lost: the next look decides")
    : new AdapterError(
        'refused',
        "rotor's own login is not in the server's log: its administration URL has to lead to the " +
          'server itself, not to a pooler, and the log has to be in English, in UTC',
      );
}
