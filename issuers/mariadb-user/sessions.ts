/** Connections of a user: a removed password lets them go on, and the server tells neither which password opened them, nor when. */
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { AdapterError } from '../../domain/errors.js';
import type { OpenUse } from '../../domain/issuer.js';
import type { Session } from './connection.js';

/**
 * The server numbers connections as they come, and rotor's own are among them: whoever has a lower number was
 * there before. So each of rotor's is noted with its moment.
 */
export interface Marks {
  note(id: number): void;
  /** The latest moment at which the connection of that number can have begun; undefined where that is not known. */
  latestStart(id: number, serverStart: number): number | undefined;
}

const mostMarks = 5_000;

export function noMarks(): Marks {
  let marks: { readonly id: number; readonly at: number }[] = [];
  return {
    note: (id) => {
      marks.push({ id, at: Date.now() });
      if (marks.length > mostMarks) marks = marks.slice(mostMarks / 2);
    },
    // A server that was started anew numbers anew: what was noted before tells nothing.
    latestStart: (id, serverStart) =>
      marks.find((mark) => mark.id > id && mark.at > serverStart)?.at,
  };
}

const Listed = z.array(
  z.object({
    id: z.coerce.number(),
    host: z.string(),
    /** Since the last change of what it does: it is open for at least as long. */
    ms: z.coerce.number(),
  }),
);

/** Of all accounts of that name, whatever host they are for. */
export async function connectionsOf(
  { ask, id: own }: Session,
  user: string,
  marks: Marks,
): Promise<OpenUse[]> {
  await demandProcess(ask);
  const text =
    'select ID as id, HOST as host, TIME_MS as ms from information_schema.PROCESSLIST where USER = ? order by ID desc';
  const parsed = Listed.safeParse(await ask(text, [user]));
  if (!parsed.success)
    throw new AdapterError('bad-reply', "the server's list of connections cannot be read");
  const now = Date.now();
  const began = now - (await uptimeMs(ask));
  let latest = now;
  return parsed.data
    .filter(({ id }) => id !== own)
    .map(({ id, host, ms }) => {
      // None began after one with a higher number, for they come in that order.
      latest = Math.min(latest, now - ms, marks.latestStart(id, began) ?? now);
      return { kind: 'session', id: String(id), source: sourceOf(host), since: new Date(latest) };
    });
}

const Uptime = z.tuple([z.object({ seconds: z.coerce.number() })]);

/** Whole seconds, and so not more than it is. */
async function uptimeMs(ask: Session['ask']): Promise<number> {
  const text =
    "select VARIABLE_VALUE as seconds from information_schema.GLOBAL_STATUS where VARIABLE_NAME = 'UPTIME'";
  const [{ seconds }] = Uptime.parse(await ask(text));
  return seconds * 1_000;
}

/** Without the right the list is silently that of rotor's own; this is refused. */
async function demandProcess(ask: Session['ask']): Promise<void> {
  await ask('select 1 from information_schema.INNODB_TRX limit 1');
}

const closingMs = 3_000;
const lookEveryMs = 50;

/** They go after the answer: what is left after a while is the caller's to see. Gone already is what was wanted. */
export async function endConnections(
  session: Session,
  user: string,
  ids: readonly string[],
): Promise<void> {
  for (const id of ids)
    await session.ask(`kill connection ${Number(id)}`).catch((error: unknown) => {
      if (!(error instanceof AdapterError) || error.code !== 'not-found') throw error;
    });
  const stop = Date.now() + closingMs;
  while ((await countOf(session, user, ids)) > 0 && Date.now() < stop) await pause(lookEveryMs);
}

async function countOf({ ask }: Session, user: string, ids: readonly string[]): Promise<number> {
  const text = 'select ID as id from information_schema.PROCESSLIST where USER = ?';
  const found = (await ask(text, [user])) as readonly { readonly id: unknown }[];
  return found.filter(({ id }) => ids.includes(String(id))).length;
}

/** "10.0.0.7:42444", "[::1]:42444", or "localhost" of a socket. */
function sourceOf(host: string): OpenUse['source'] {
  const address = host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return address === '' ? {} : { address };
}
