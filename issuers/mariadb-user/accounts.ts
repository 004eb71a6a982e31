/** An account of a MariaDB server: every way to log in as it, read and written as a whole. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AdapterError } from '../../domain/errors.js';
import type { SecretValue } from '../../domain/secret-value.js';
import type { Session } from './connection.js';

export interface AccountName {
  readonly user: string;
  readonly host: string;
}

/** One of the alternatives that `OR` joins. */
export interface Way {
  readonly plugin: string;
  /** The hash of a password, or what else the plugin is told. */
  readonly told: string | undefined;
}

export interface Account {
  readonly ways: readonly Way[];
  readonly locked: boolean;
}

/** Those that keep the hash of a password. Others, such as unix_socket, are left as they are. */
const passwordPlugins: ReadonlySet<string> = new Set([
  'mysql_native_password',
  'mysql_old_password',
  'ed25519',
  'parsec',
  'caching_sha2_password',
]);

const native = 'mysql_native_password';
/** MariaDB's own word for a hash that no password has. */
const noPassword: Way = { plugin: native, told: 'invalid' };

export function isPassword({ plugin, told }: Way): boolean {
  return passwordPlugins.has(plugin) && told !== undefined && told !== '' && told !== 'invalid';
}

/** Whoever gives no password is let in: no other password of such an account means anything. */
export function letsAnybodyIn({ ways }: Account): boolean {
  return ways.some(({ plugin, told = '' }) => passwordPlugins.has(plugin) && told === '');
}

/** As the server keeps it: SHA-1 of SHA-1. */
export function wayOf(value: SecretValue): Way {
  const once = createHash('sha1').update(value.reveal()).digest();
  const twice = createHash('sha1').update(once).digest('hex');
  return { plugin: native, told: `*${twice.toUpperCase()}` };
}

export function isNative({ plugin }: Way): boolean {
  return plugin === native;
}

export function sameWay(one: Way, other: Way): boolean {
  return one.plugin === other.plugin && one.told === other.told;
}

const Told = z.object({
  plugin: z.string().optional(),
  authentication_string: z.string().optional(),
});
const Privileges = Told.extend({
  account_locked: z.boolean().optional(),
  auth_or: z.array(Told).default([]),
});

/** Undefined where there is none of that name at that host. */
export async function readAccount(
  { ask }: Session,
  { user, host }: AccountName,
): Promise<Account | undefined> {
  const text =
    'select json_compact(Priv) as priv from mysql.global_priv where User = ? and Host = ?';
  const [row] = await ask(text, [user, host]);
  if (row === undefined) return undefined;
  const parsed = Privileges.safeParse(readJson(row));
  if (!parsed.success)
    throw new AdapterError(
      'bad-reply',
      "the server's answer is not what MariaDB 10.4 or later gives",
    );
  const { data } = parsed;
  return { ways: waysOf(data), locked: data.account_locked === true };
}

/** The library has read it where the server says that it is JSON. */
function readJson(row: unknown): unknown {
  const priv: unknown = (row as { readonly priv?: unknown }).priv;
  if (typeof priv !== 'string') return priv;
  try {
    return JSON.parse(priv);
  } catch {
    return undefined;
  }
}

/** Where there are several, an empty one stands for the one that is kept beside the list. */
function waysOf(privileges: z.output<typeof Privileges>): Way[] {
  const { auth_or: listed } = privileges;
  const main: Way = { plugin: privileges.plugin ?? native, told: privileges.authentication_string };
  if (listed.length === 0) return [main];
  return listed.map(({ plugin, authentication_string: text }) =>
    plugin === undefined ? main : { plugin, told: text },
  );
}

/** All else of the account stays: limits, TLS, a lock, when its passwords expire. */
export async function writeWays(
  { ask }: Session,
  name: AccountName,
  ways: readonly Way[],
): Promise<void> {
  const useful = ways.filter((way) => !sameWay(way, noPassword));
  const kept = useful.length === 0 ? [noPassword] : useful;
  // Nothing but a quote has a meaning then, whatever mode the server is in.
  await ask("set session sql_mode = 'NO_BACKSLASH_ESCAPES'");
  const texts = kept.map(({ plugin, told: text }) =>
    text === undefined ? quotedName(plugin) : `${quotedName(plugin)} using ${quoted(text)}`,
  );
  await ask(`alter user ${accountText(name)} identified via ${texts.join(' or ')}`);
}

/** Changes by several at once would overwrite each other: each reads and writes the whole. */
export async function alone<T>(
  session: Session,
  { user, host }: AccountName,
  work: () => Promise<T>,
): Promise<T> {
  const hash = createHash('sha256')
    .update(JSON.stringify([user, host]))
    .digest('hex');
  const lock = `rotor-${hash.slice(0, 40)}`;
  const [row] = await session.ask('select get_lock(?, 5) as locked', [lock]);
  if (Number((row as { readonly locked: unknown }).locked) !== 1)
    throw new AdapterError('busy', 'another change of the same account is under way');
  // It goes with the connection.
  return work();
}

export function accountText({ user, host }: AccountName): string {
  return `${quotedName(user)}@${quotedName(host)}`;
}

function quotedName(text: string): string {
  return `\`${text.replaceAll('`', '``')}\``;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
