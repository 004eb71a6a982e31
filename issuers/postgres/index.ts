/** Logins of a PostgreSQL server: one role per version, whose sessions act as one owner role. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { AdapterError } from '../../domain/errors.js';
import type {
  Credential,
  CredentialRef,
  IssuedSecret,
  Issuer,
  IssuerTraits,
  Minted,
  MintRequest,
  OpenUse,
  UseRecord,
} from '../../domain/issuer.js';
import { SecretValue } from '../../domain/secret-value.js';
import { issuerKind } from '../kind.js';
import { readSpecification } from '../specification.js';
import { readTag } from '../tag.js';
import { openAdministration, type Administration } from './administration.js';
import { pathOf } from './connection.js';
import { openConnectionLog, type ConnectionLog } from './connection-log.js';
import type { LoggedLogin } from './log-lines.js';
import { probe } from './probe.js';
import {
  createRole,
  dropRole,
  endSessions,
  listRoles,
  ownRole,
  sessionsOf,
  setLogin,
} from './roles.js';
import { scramVerifier } from './scram.js';
import { rememberUses, type SeenUses } from '../seen-uses.js';
import { recordLogins, rememberLogin, sampleLogins, sampleSessions } from './use.js';

const roleName = z.string().min(1).max(50);

const Specification = z.strictObject({
  ownerRole: roleName.describe('the role that sessions act as; it owns what programs make'),
  database: z.string().min(1).max(63),
  /** What programs connect to, where it is not the address that rotor administers by. */
  host: z.string().min(1).max(253).optional(),
  port: z.number().int().min(1).max(65_535).optional(),
  sslmode: z
    .enum(['require', 'verify-ca', 'verify-full'])
    .optional()
    .describe('what the value says of TLS, for a server that demands it'),
  validityMs: z.number().int().positive().optional(),
});
type Specification = z.output<typeof Specification>;

const Options = z
  .strictObject({
    adminUrlFile: z
      .string()
      .min(1)
      .describe('a file of mode 0600 with a connection URL; its role has CREATEROLE'),
    connectionLogFile: z
      .string()
      .min(1)
      .optional()
      .describe("the server's log, or the folder of its logs, where rotor may read it"),
    loginTrigger: z
      .boolean()
      .optional()
      .describe(
        'where rotor may not read the log: note logins by an event trigger (PostgreSQL 17)',
      ),
  })
  .refine(
    ({ connectionLogFile, loginTrigger }) =>
      connectionLogFile === undefined || loginTrigger !== true,
    { message: 'connectionLogFile tells more than loginTrigger: give one', path: ['loginTrigger'] },
  );

export const postgres = issuerKind({
  kind: 'postgres',
  options: Options,
  specification: Specification,
  principal: ({ ownerRole, database }) => `role ${ownerRole} in database ${database}`,
  traits: ({ connectionLogFile }) => traitsOf(connectionLogFile !== undefined),
  variants: [
    { as: 'with its log of connections', traits: traitsOf(true) },
    { as: 'without', traits: traitsOf(false) },
  ],
  tested: { system: 'PostgreSQL', version: '18.4', on: '2026-11-26' },
  open: ({ adminUrlFile, connectionLogFile: path, loginTrigger }, { installationId }) => {
    const server = openAdministration(adminUrlFile);
    const seen = rememberUses();
    const remember = (login: LoggedLogin): void => rememberLogin(seen, login);
    const log =
      path === undefined ? undefined : openConnectionLog({ server, path, seen: remember });
    return open({ server, installationId, log, seen, hasTrigger: loginTrigger === true });
  },
});

interface Instance {
  readonly server: Administration;
  readonly installationId: string;
  readonly log: ConnectionLog | undefined;
  readonly seen: SeenUses;
  readonly hasTrigger: boolean;
}

/** With a log of connections the record is exact, without one it is sampled. */
export function traitsOf(exact: boolean): IssuerTraits {
  return {
    overlap: { kind: 'many' },
    // The value is a whole connection URL: who takes it over takes user and password together.
    valueChosenBy: 'theirs',
    tag: 'place',
    disable: 'manual',
    seesRefusals: exact,
    useRecord: exact ? 'exact' : 'sampled',
    // A refused login has no application name in the log: it could be anybody's.
    tellsProbesApart: false,
    lists: true,
    propagationMs: 0,
    outlives: 'sessions',
    outlivesMs: 0,
    tellsOpenUseApart: true,
    longestValidityMs: undefined,
  };
}

function open(instance: Instance): Issuer {
  const { server } = instance;
  return {
    kind: 'postgres',
    traits: traitsOf(instance.log !== undefined),
    mint: (request) => mint(instance, request),
    verify: (ref, value, mark) => probe(server, ref, { value, mark }),
    revoke: (ref) => revoke(instance, ref),
    list: (secret) => list(instance, secret),
    disable: (ref) => login(instance, ref, false),
    enable: (ref) => login(instance, ref, true),
    observedUse: (secret, since) => observedUse(instance, secret, since),
    openUse: ({ credentialId }) => openUse(server, credentialId),
    endOpenUse: ({ credentialId }) => endSessions(server, credentialId),
  };
}

function specificationOf(secret: IssuedSecret): Specification {
  return readSpecification(Specification, secret, 'owner role and database');
}

/** Named after the version: repeated, it is the same role, and the server refuses a second one. */
async function mint({ server }: Instance, request: MintRequest): Promise<Minted> {
  const { ownerRole, database, host, port, sslmode } = specificationOf(request.secret);
  const name = `${ownerRole}_${request.versionId.replaceAll('-', '').slice(0, 12)}`;
  const password = randomBytes(32).toString('base64url');
  const { expiresAt, tag } = request;
  await createRole(server, { name, ownerRole, verifier: scramVerifier(password), tag, expiresAt });
  const url = new URL('postgresql://localhost');
  url.hostname = host ?? server.url.hostname;
  url.port = String(port ?? (server.url.port || 5432));
  url.username = name;
  url.password = password;
  url.pathname = pathOf(database);
  if (sslmode !== undefined) url.searchParams.set('sslmode', sslmode);
  const value = new SecretValue(url.href);
  return { credentialId: name, value, ...(expiresAt === undefined ? {} : { expiresAt }) };
}

async function login(
  { server }: Instance,
  { credentialId, tag }: CredentialRef,
  allowed: boolean,
): Promise<void> {
  const role = await ownRole(server, credentialId, tag);
  if (role !== undefined) return setLogin(server, credentialId, allowed);
  if (!allowed) throw new AdapterError('not-found', `there is no role ${credentialId}`);
}

async function revoke({ server }: Instance, ref: CredentialRef): Promise<void> {
  const { ownerRole, database } = specificationOf(ref.secret);
  const role = await ownRole(server, ref.credentialId, ref.tag);
  if (role === undefined) return;
  await dropRole(server, ref.credentialId, { ownerRole, database });
}

async function list(
  { server, installationId }: Instance,
  secret: IssuedSecret,
): Promise<Credential[]> {
  const { ownerRole } = specificationOf(secret);
  return (await listRoles(server, ownerRole)).map(({ name, tag, canLogin, expiresAt }) => ({
    credentialId: name,
    tag: readTag(tag?.includes('/') === true ? tag : undefined, installationId),
    createdAt: undefined,
    expiresAt: expiresAt ?? undefined,
    disabled: !canLogin,
    rights: { ownerRole },
  }));
}

async function openUse(server: Administration, role: string): Promise<OpenUse[]> {
  return (await sessionsOf(server, role)).map(({ pid, address, application, since }) => ({
    kind: 'session',
    id: String(pid),
    source: {
      ...(address === null ? {} : { address }),
      ...(application === null || application === '' ? {} : { name: application }),
    },
    since,
  }));
}

async function observedUse(
  { server, log, seen, hasTrigger }: Instance,
  secret: IssuedSecret,
  since: Date,
): Promise<UseRecord> {
  if (log !== undefined) return recordLogins({ log, seen, since });
  const { ownerRole, database } = specificationOf(secret);
  const sampling = { server, seen, ownerRole, since };
  return hasTrigger ? sampleLogins({ ...sampling, database }) : sampleSessions(sampling);
}
