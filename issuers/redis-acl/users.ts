/** A user of a Redis server: the SHA-256 of each password that it has, and changes that outlive a restart. */
import { AdapterError } from '../../domain/errors.js';
import type { Send } from './connection.js';

export interface User {
  /** Lower-case hexadecimal SHA-256, as the server keeps them. */
  readonly hashes: readonly string[];
  readonly on: boolean;
  /** Whoever gives any password, or none, is let in: no password of such a user means anything. */
  readonly open: boolean;
}

/** Where the server keeps its users: they are written there with each change. */
export const keeping = ['aclfile', 'config', 'nothing'] as const;
export type Keeping = (typeof keeping)[number];

export async function readUser(send: Send, name: string): Promise<User | undefined> {
  const reply = await send(['ACL', 'GETUSER', name]);
  if (reply === null) return undefined;
  const fields = fieldsOf(reply);
  const flags = textsOf(fields.get('flags'));
  return {
    hashes: textsOf(fields.get('passwords')),
    on: flags.includes('on'),
    open: flags.includes('nopass'),
  };
}

export async function makeUser(send: Send, name: string, rules: readonly string[]): Promise<void> {
  await send(['ACL', 'SETUSER', name, 'on', ...rules]);
}

export async function addPassword(send: Send, name: string, hash: string): Promise<void> {
  await send(['ACL', 'SETUSER', name, `#${hash}`]);
}

/** The server takes it for an error that it has none such: the caller has looked. */
export async function removePassword(send: Send, name: string, hash: string): Promise<void> {
  await send(['ACL', 'SETUSER', name, `!${hash}`]);
}

const commands: Readonly<Record<Exclude<Keeping, 'nothing'>, readonly string[]>> = {
  aclfile: ['ACL', 'SAVE'],
  config: ['CONFIG', 'REWRITE'],
};

/** Said once more it does no harm: a change whose saving failed is saved by the next attempt. */
export async function keep(send: Send, where: Keeping): Promise<void> {
  if (where === 'nothing') return;
  try {
    await send(commands[where]);
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    if (error.code !== 'refused') throw error;
    throw new AdapterError(
      'refused',
      `the server cannot write its users to its ${where}: the next restart would forget this change (option keptIn)`,
    );
  }
}

function fieldsOf(reply: unknown): ReadonlyMap<unknown, unknown> {
  if (!Array.isArray(reply)) throw unknownReply();
  const list: readonly unknown[] = reply;
  return new Map(
    list.flatMap((name, index) => (index % 2 === 0 ? [[name, list[index + 1]] as const] : [])),
  );
}

function textsOf(field: unknown): string[] {
  if (!Array.isArray(field)) throw unknownReply();
  return field.map(String);
}

function unknownReply(): AdapterError {
  return new AdapterError('bad-reply', "the server's answer is not what Redis 6 or later gives");
}
