/** Passwords of a MariaDB user: as many side by side as one likes, each sent to the server as its hash alone. */
import { z } from 'zod';
import { AdapterError, CredentialRefused } from '../../domain/errors.js';
import type {
  Credential,
  CredentialRef,
  IssuedSecret,
  Issuer,
  IssuerTraits,
  MintRequest,
  OpenUse,
} from '../../domain/issuer.js';
import type { SecretValue } from '../../domain/secret-value.js';
import { readSecretFile } from '../../reach/secret-file.js';
import { issuerKind, type IssuerContext } from '../kind.js';
import { readSpecification } from '../specification.js';
import {
  accountText,
  alone,
  isNative,
  isPassword,
  letsAnybodyIn,
  readAccount,
  sameWay,
  wayOf,
  writeWays,
  type Account,
  type AccountName,
  type Way,
} from './accounts.js';
import { withConnection, type Server, type Session } from './connection.js';
import { connectionsOf, endConnections, noMarks, type Marks } from './sessions.js';

const notInNames = 'expected a name without @, quotes or spaces: the host is a field of its own';

const Specification = z.strictObject({
  user: z
    .string()
    .min(1)
    .max(80)
    .regex(/^[^\s@'"`\\]+$/, notInNames)
    .describe('the user whose passwords they are'),
  host: z
    .string()
    .min(1)
    .max(255)
    .regex(
      /^[^\s@'"`\\]+$/,
      'expected what stands behind the @ of the account, such as % or 10.0.%',
    )
    .default('%')
    .describe('the host part of the account, as the server has it'),
});

export const traits: IssuerTraits = {
  overlap: { kind: 'many' },
  valueChosenBy: 'ours',
  tag: 'none',
  // A lock is the account's: it would refuse every version of it.
  disable: 'none',
  seesRefusals: false,
  useRecord: 'absent',
  // There is no record that a probe could stand in.
  tellsProbesApart: true,
  lists: true,
  propagationMs: 0,
  outlives: 'sessions',
  outlivesMs: 0,
  tellsOpenUseApart: false,
  longestValidityMs: undefined,
};

export const mariadbUser = issuerKind({
  kind: 'mariadb-user',
  libraries: [{ name: 'mariadb', version: '3.5.4' }],
  options: z.strictObject({
    host: z.string().min(1).describe('the server that takes changes, without a proxy between'),
    port: z.number().int().min(1).max(65_535).default(3306),
    user: z.string().min(1).describe('whom rotor logs in as'),
    passwordFile: z.string().min(1).describe('a file of mode 0600 with its password'),
    tls: z
      .union([
        z.literal(false),
        z.strictObject({
          caFile: z.string().min(1).optional().describe('authorities of your own, as PEM'),
        }),
      ])
      .prefault({})
      .describe('false only where nobody else reaches the wire'),
  }),
  specification: Specification,
  principal: ({ user, host }) => `user ${user}@${host}`,
  traits: () => traits,
  tested: { system: 'MariaDB', version: '10.11.19', on: '2026-11-26' },
  open: ({ user, passwordFile, ...server }, { fingerprint }) =>
    open({ server, user, passwordFile, fingerprint, marks: noMarks() }),
});

interface Instance {
  readonly server: Server;
  readonly user: string;
  /** Read each time: whoever changes the file changes what is used next. */
  readonly passwordFile: string;
  readonly fingerprint: IssuerContext['fingerprint'];
  readonly marks: Marks;
}

function open(instance: Instance): Issuer {
  return {
    kind: 'mariadb-user',
    traits,
    mint: (request) => mint(instance, request),
    verify: (ref, value) => verify(instance, ref, value),
    revoke: (ref) => revoke(instance, ref),
    list: (secret) => list(instance, secret),
    openUse: (ref) => openUse(instance, ref),
    endOpenUse: (ref, openedBefore) => endOpenUse(instance, ref, openedBefore),
  };
}

async function asRotor<T>(
  { server, user, passwordFile, marks }: Instance,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const password = readSecretFile(passwordFile);
  try {
    return await withConnection({ server, user, password }, (session) => {
      marks.note(session.id);
      return work(session);
    });
  } catch (error) {
    if (!(error instanceof CredentialRefused)) throw error;
    throw new AdapterError('not-permitted', `the server refuses rotor's own login as ${user}`);
  }
}

function accountOf(secret: IssuedSecret): AccountName {
  return readSpecification(Specification, secret, 'user');
}

/** The server's hash tells a weak password: what leaves rotor is keyed. */
function idOf({ fingerprint }: Instance, { plugin, told = '' }: Way): string {
  return fingerprint(`mariadb ${plugin} ${told}`);
}

function findWay(instance: Instance, account: Account | undefined, id: string): Way | undefined {
  return account?.ways.find((way) => isPassword(way) && idOf(instance, way) === id);
}

async function mint(
  instance: Instance,
  { secret, value }: MintRequest,
): Promise<{ credentialId: string }> {
  if (value === undefined) throw new AdapterError('refused', 'the value is chosen by rotor');
  const name = accountOf(secret);
  const way = wayOf(value);
  await change(instance, name, (account) => {
    if (account === undefined) throw noAccount(name);
    if (letsAnybodyIn(account)) throw anybody(name);
    return account.ways.some((one) => sameWay(one, way)) ? account.ways : [...account.ways, way];
  });
  return { credentialId: idOf(instance, way) };
}

function noAccount(name: AccountName): AdapterError {
  const account = accountText(name);
  return new AdapterError(
    'refused',
    `there is no account ${account}: make it (CREATE USER ${account} IDENTIFIED VIA mysql_native_password USING 'invalid') and grant it what it needs`,
  );
}

function anybody(name: AccountName): AdapterError {
  const message = `${accountText(name)} is let in without a password: a first one would lock out whoever gives none`;
  return new AdapterError('refused', message);
}

/** Read, written and read back under a lock of rotor's own; somebody else may still come in between. */
async function change(
  instance: Instance,
  name: AccountName,
  wanted: (account: Account | undefined) => readonly Way[] | undefined,
): Promise<void> {
  await asRotor(instance, (session) =>
    alone(session, name, async () => {
      const account = await readAccount(session, name);
      const ways = wanted(account);
      if (ways === undefined || ways === account?.ways) return;
      await writeWays(session, name, ways);
      const after = (await readAccount(session, name))?.ways.filter(isPassword) ?? [];
      const passwords = ways.filter(isPassword);
      const same = passwords.every((way) => after.some((one) => sameWay(one, way)));
      if (same && passwords.length === after.length) return;
      throw new AdapterError(
        'changed-meanwhile',
        'somebody else changed the passwords of the account at the same moment',
      );
    }),
  );
}

/** Gone already is success; and so is an account that somebody deleted. */
async function revoke(instance: Instance, { secret, credentialId }: CredentialRef): Promise<void> {
  await change(instance, accountOf(secret), (account) => {
    const way = findWay(instance, account, credentialId);
    // The server may have it twice.
    return way === undefined ? undefined : account?.ways.filter((one) => !sameWay(one, way));
  });
}

/** One login. That the account has the password and the server refuses it here is neither: it may be let in elsewhere. */
async function verify(
  instance: Instance,
  { secret, credentialId }: CredentialRef,
  value: SecretValue,
): Promise<void> {
  const name = accountOf(secret);
  const account = await asRotor(instance, (session) => readAccount(session, name));
  const found = findWay(instance, account, credentialId);
  if (!mayBe(instance, { value, credentialId, account, found })) throw new CredentialRefused();
  const { server } = instance;
  const login = { server, user: name.user, password: value };
  const loggedInAs = await withConnection(login, currentUser).catch((error: unknown) => {
    if (error instanceof CredentialRefused) return undefined;
    throw error;
  });
  if (loggedInAs === undefined && found === undefined) throw new CredentialRefused();
  if (loggedInAs !== `${name.user}@${name.host}` || found === undefined)
    throw elsewhere(name, loggedInAs);
}

interface Shown {
  readonly value: SecretValue;
  readonly credentialId: string;
  readonly account: Account | undefined;
  readonly found: Way | undefined;
}

/** By its hash; of another plugin's only the login tells, where no other password of the account could be meant. */
function mayBe(instance: Instance, { value, credentialId, account, found }: Shown): boolean {
  const way = wayOf(value);
  if (idOf(instance, way) === credentialId) return true;
  if (found === undefined || isNative(found)) return false;
  const others = account?.ways.filter((one) => !isNative(one)) ?? [];
  const isAnother = account?.ways.some((one) => sameWay(one, way)) === true;
  return others.length === 1 && !isAnother;
}

async function currentUser({ ask }: Session): Promise<string> {
  const [row] = await ask('select current_user() as name');
  return String((row as { readonly name: unknown }).name);
}

function elsewhere(name: AccountName, loggedInAs: string | undefined): AdapterError {
  const account = accountText(name);
  if (loggedInAs === undefined)
    return new AdapterError(
      'refused',
      `${account} has this password, and the server refuses it from where rotor is: does the host part fit, does the account require TLS, does another account fit better?`,
    );
  const message = `the server takes rotor's login as ${loggedInAs}: this proves nothing about ${account}`;
  return new AdapterError('refused', message);
}

async function list(instance: Instance, secret: IssuedSecret): Promise<Credential[]> {
  const account = await asRotor(instance, (session) => readAccount(session, accountOf(secret)));
  const { ways = [], locked = false } = account ?? {};
  return ways.filter(isPassword).map((way) => ({
    credentialId: idOf(instance, way),
    tag: { kind: 'none' },
    createdAt: undefined,
    expiresAt: undefined,
    disabled: locked,
    rights: {},
  }));
}

function openUse(instance: Instance, { secret }: CredentialRef): Promise<OpenUse[]> {
  const { user } = accountOf(secret);
  return asRotor(instance, (session) => connectionsOf(session, user, instance.marks));
}

/** `openedBefore` undefined: all of them. */
async function endOpenUse(
  instance: Instance,
  { secret }: CredentialRef,
  openedBefore: Date | undefined,
): Promise<void> {
  const { user } = accountOf(secret);
  await asRotor(instance, async (session) => {
    const found = await connectionsOf(session, user, instance.marks);
    const meant = found.filter(({ since }) => openedBefore === undefined || since < openedBefore);
    await endConnections(
      session,
      user,
      meant.map(({ id }) => id),
    );
  });
}
