/** One login role per version, a member of the owner role that its sessions act as. */
import pg from 'pg';
import { AdapterError, isPassing } from '../../domain/errors.js';
import { lacksRight, type Administration } from './administration.js';

export interface Role {
  readonly name: string;
  readonly tag: string | null;
  readonly canLogin: boolean;
  readonly expiresAt: Date | null;
}

const quote = (name: string): string => pg.escapeIdentifier(name);
const literal = (text: string): string => pg.escapeLiteral(text);

/** Login roles of the owner role: those that rotor made, and those that somebody else did. */
export function listRoles(server: Administration, ownerRole: string): Promise<Role[]> {
  return server.query<Role>(
    `select r.rolname as name, shobj_description(r.oid, 'pg_authid') as tag, r.rolcanlogin as "canLogin",
       case when r.rolvaliduntil = 'infinity' then null else r.rolvaliduntil end as "expiresAt"
     from pg_roles r join pg_auth_members m on m.member = r.oid join pg_roles o on o.oid = m.roleid
     where o.rolname = $1 and not r.rolsuper
       and (r.rolcanlogin or shobj_description(r.oid, 'pg_authid') like '%/%')
       and (r.rolvaliduntil is null or r.rolvaliduntil > clock_timestamp())
     order by r.oid`,
    [ownerRole],
  );
}

export interface NewRole {
  readonly name: string;
  readonly ownerRole: string;
  readonly verifier: string;
  readonly tag: string;
  readonly expiresAt: Date | undefined;
}

/** One simple query is one transaction: the role exists with its tag, or not at all. */
export async function createRole(server: Administration, role: NewRole): Promise<void> {
  const until =
    role.expiresAt === undefined ? '' : ` valid until ${literal(role.expiresAt.toISOString())}`;
  const name = quote(role.name);
  await server.query(
    [
      'begin',
      `create role ${name} login password ${literal(role.verifier)}${until} in role ${quote(role.ownerRole)}`,
      `alter role ${name} set role ${quote(role.ownerRole)}`,
      `comment on role ${name} is ${literal(role.tag)}`,
      'commit',
    ].join(';\n'),
  );
}

/** Throws `not-ours` where the role carries another tag; undefined where it is gone. */
export async function ownRole(
  server: Administration,
  name: string,
  tag: string | undefined,
): Promise<{ readonly canLogin: boolean } | undefined> {
  const [found] = await server.query<{ tag: string | null; canLogin: boolean }>(
    `select shobj_description(oid, 'pg_authid') as tag, rolcanlogin as "canLogin" from pg_roles where rolname = $1`,
    [name],
  );
  if (found === undefined) return undefined;
  if (tag === undefined || found.tag === tag) return found;
  throw new AdapterError('not-ours', `role ${name} carries another tag`);
}

export async function setLogin(
  server: Administration,
  name: string,
  login: boolean,
): Promise<void> {
  await server.query(`alter role ${quote(name)} ${login ? 'login' : 'nologin'}`);
}

export interface Session {
  readonly pid: number;
  readonly address: string | null;
  readonly application: string | null;
  readonly since: Date;
}

/** Of sessions that are hidden from rotor the server shows the name alone: from where and since when, nobody would know. */
function shown<Row extends { readonly since: Date | null }>(
  rows: readonly Row[],
): (Row & { readonly since: Date })[] {
  return rows.map((row) => {
    const { since } = row;
    if (since === null) throw lacksRight();
    return { ...row, since };
  });
}

type Shown<Row> = Omit<Row, 'since'> & { readonly since: Date | null };

export async function sessionsOf(server: Administration, name: string): Promise<Session[]> {
  const rows = await server.query<Shown<Session>>(
    `select pid, host(client_addr) as address, application_name as application, backend_start as since
     from pg_stat_activity where usename = $1`,
    [name],
  );
  return shown(rows);
}

export interface MemberSession {
  readonly since: Date;
  readonly role: string;
  readonly address: string | null;
  readonly application: string | null;
}

/** Of every member, adopted ones too, whatever they are called; and of none of rotor's probes. */
export async function membersSessions(
  server: Administration,
  ownerRole: string,
): Promise<MemberSession[]> {
  const rows = await server.query<Shown<MemberSession>>(
    `select a.backend_start as since, a.usename as role, host(a.client_addr) as address, a.application_name as application
     from pg_stat_activity a
     where a.usename in (select l.rolname from pg_auth_members m join pg_roles l on l.oid = m.member
         join pg_roles o on o.oid = m.roleid where o.rolname = $1)
       and coalesce(a.application_name, '') not like 'rotor-probe%'`,
    [ownerRole],
  );
  return shown(rows);
}

export async function endSessions(server: Administration, name: string): Promise<void> {
  await server.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [
    name,
  ]);
}

/**
 * What it owns goes to the owner role first: nothing that a program made is lost with its login. The login is
 * refused and its sessions are ended before: what an error leaves is a role that nobody can use.
 */
export async function dropRole(
  server: Administration,
  name: string,
  where: { ownerRole: string; database: string },
): Promise<void> {
  await setLogin(server, name, false);
  await endSessions(server, name);
  try {
    await join(server, name);
    await server.query(
      `begin; reassign owned by ${quote(name)} to ${quote(where.ownerRole)}; drop owned by ${quote(name)}; commit`,
      [],
      await existing(server, where.database),
    );
    await server.query(`drop role if exists ${quote(name)}`);
  } catch (error) {
    if (!(error instanceof AdapterError) || isPassing(error.code)) throw error;
    throw new AdapterError(
      error.code,
      `the login is refused and its sessions are ended, but its role ${name} stays: ${error.message}`,
    );
  }
}

/** To give away what a role owns takes membership in it: whoever may make roles may be a member of those that it made. */
async function join(server: Administration, name: string): Promise<void> {
  const [found] = await server.query<{ joined: boolean }>(
    `select pg_has_role($1, 'usage') as joined from pg_roles where rolname = $1`,
    [name],
  );
  if (found?.joined === false) await server.query(`grant ${quote(name)} to current_user`);
}

/** In a database that is gone nothing is left to give away, and roles are the whole server's. */
async function existing(server: Administration, database: string): Promise<string | undefined> {
  const [found] = await server.query('select from pg_database where datname = $1', [database]);
  return found === undefined ? undefined : database;
}
