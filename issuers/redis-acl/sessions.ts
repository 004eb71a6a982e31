/** Connections of a user: a removed password lets them go on, and the server does not tell which password opened them. */
import type { OpenUse } from '../../domain/issuer.js';
import type { Send } from './connection.js';

/** Without the one that asks. */
export async function connectionsOf(send: Send, user: string): Promise<OpenUse[]> {
  const own = String(await send(['CLIENT', 'ID']));
  const now = Date.now();
  return lines(String(await send(['CLIENT', 'LIST'])))
    .filter((fields) => fields.get('user') === user && fields.get('id') !== own)
    .map((fields) => ({
      kind: 'session',
      id: fields.get('id') ?? '',
      source: sourceOf(fields),
      since: latestBegin(Number(fields.get('age') ?? 0), now),
    }));
}

/** An age is the difference of two whole seconds, so up to a second too high or too low: whose it is in doubt began later. */
function latestBegin(age: number, now: number): Date {
  return new Date(now - Math.max(0, age - 1) * 1_000);
}

/** `openedBefore` undefined: all of them, also those that open while they are counted. */
export async function endConnections(
  send: Send,
  user: string,
  openedBefore: Date | undefined,
): Promise<void> {
  if (openedBefore === undefined) {
    await send(['CLIENT', 'KILL', 'USER', user]);
    return;
  }
  for (const { id, since } of await connectionsOf(send, user))
    if (since < openedBefore) await send(['CLIENT', 'KILL', 'ID', id]);
}

function lines(text: string): ReadonlyMap<string, string>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => new Map(line.split(' ').map(pairOf)));
}

function pairOf(field: string): [string, string] {
  const at = field.indexOf('=');
  return [field.slice(0, at), field.slice(at + 1)];
}

function sourceOf(fields: ReadonlyMap<string, string>): OpenUse['source'] {
  const address = fields
    .get('addr')
    ?.replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '');
  const name = fields.get('name');
  return {
    ...(address === undefined || address === '' ? {} : { address }),
    ...(name === undefined || name === '' ? {} : { name }),
  };
}
