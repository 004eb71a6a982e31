/** A login event trigger in a database of somebody's: it notes logins, and never refuses or delays one. */
import { AdapterError } from '../../domain/errors.js';
import type { ObservedUse } from '../../domain/issuer.js';
import { isRefusal, type Administration } from './administration.js';

export interface NotedLogins {
  readonly now: Date;
  /** Since when it has run without a break that was seen; undefined where it does not run now. */
  readonly runningSince: Date | undefined;
  readonly uses: readonly ObservedUse[];
}

export interface Watched {
  readonly database: string;
  readonly ownerRole: string;
  readonly since: Date;
}

/** One row per source and minute: a busy program leaves as many rows as a quiet one. */
export const noteResolutionMs = 60_000;

const oldestServer = 170_000;

/**
 * Whatever goes wrong is swallowed, cancelled statements too; nothing is declared, since that would be outside the handler.
 * So is the commit of the login's transaction: it waits for no standby and no disk, and nothing is written where it could
 * fail (serializable). rotor's own logins are noted each time: they prove that the trigger runs.
 */
const body = `
begin
  if pg_is_in_recovery() or current_setting('transaction_read_only')::boolean
    or current_setting('transaction_isolation') = 'serializable'
    or current_setting('application_name') like 'rotor-probe%' then
    return;
  end if;
  perform set_config('synchronous_commit', 'off', true);
  insert into rotor_use.logins (at, pid, role, application, address)
  select clock_timestamp(), pg_backend_pid(), session_user, current_setting('application_name'), host(inet_client_addr())
  where current_setting('application_name') = 'rotor'
    or exists (select from rotor_use.owner_roles w join pg_auth_members m on m.roleid = to_regrole(quote_ident(w.name))
        where m.member = to_regrole(quote_ident(session_user)))
      and not exists (select from rotor_use.logins k
        where k.at >= date_trunc('minute', clock_timestamp()) and k.role = session_user
          and k.application = current_setting('application_name')
          and k.address is not distinct from host(inet_client_addr()));
exception when query_canceled or assert_failure or others then
  null;
end
`;

const install = `
begin;
select pg_advisory_xact_lock(hashtext('rotor_use'));
create schema if not exists rotor_use;
create table if not exists rotor_use.logins
  (at timestamptz not null, pid integer not null, role name not null, application text not null, address text);
create index if not exists logins_at_role on rotor_use.logins (at, role);
create table if not exists rotor_use.owner_roles (name name primary key, since timestamptz not null);
update rotor_use.owner_roles set since = clock_timestamp();
create or replace function rotor_use.note_login() returns event_trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp set lock_timeout = '50ms' as $body$${body}$body$;
do $$ begin
  if not exists (select from pg_event_trigger where evtname = 'rotor_note_login') then
    create event trigger rotor_note_login on login execute function rotor_use.note_login();
    alter event trigger rotor_note_login enable always;
  end if;
end $$;
commit`;

const look = `
select current_setting('server_version_num')::integer as version,
  to_regclass('rotor_use.logins') is not null and to_regclass('rotor_use.owner_roles') is not null
    and exists (select from pg_event_trigger where evtname = 'rotor_note_login')
    and exists (select from pg_proc where oid = to_regprocedure('rotor_use.note_login()') and prosrc = $1) as installed`;

/** Its own session has to be among the noted ones: everything that may be wrong with the trigger shows there. */
const read = `
with trimmed as (
  delete from rotor_use.logins where at < clock_timestamp() - interval '40 days'
    or role = session_user and at < clock_timestamp() - interval '1 hour'),
runs as (
  select exists (select from rotor_use.logins l join pg_stat_activity a on a.pid = l.pid
    where l.pid = pg_backend_pid() and l.at >= a.backend_start) as now),
watched as (
  insert into rotor_use.owner_roles as w values ($1, clock_timestamp())
  on conflict (name) do update
    set since = case when (select now from runs) then w.since else clock_timestamp() end
  returning w.since)
select clock_timestamp() as now, (select now from runs) as runs, (select since from watched) as since,
  coalesce((select json_agg(json_build_object('role', l.role, 'application', l.application, 'address', l.address,
      'minute', l.minute, 'at', l.at))
    from (select role, application, address, date_trunc('minute', at, 'UTC') as minute, max(at) as at from rotor_use.logins
      where at >= date_trunc('minute', $2::timestamptz, 'UTC') and role <> session_user
      group by role, application, address, minute) l), '[]') as rows`;

interface Row {
  readonly role: string;
  readonly application: string;
  readonly address: string | null;
  readonly minute: string;
  readonly at: string;
}

/** Installs it where it is missing. One that is disabled stays so: somebody wanted that, and the record says less then. */
export async function readNotedLogins(
  server: Administration,
  { database, ownerRole, since }: Watched,
): Promise<NotedLogins> {
  await ensureInstalled(server, database);
  const [found] = await server.query<{ now: Date; runs: boolean; since: Date; rows: Row[] }>(
    read,
    [ownerRole, since],
    database,
  );
  if (found === undefined) throw new AdapterError('bad-reply', 'the server told no logins');
  const runningSince = found.runs ? found.since : undefined;
  return { now: found.now, runningSince, uses: found.rows.map(useOf) };
}

async function ensureInstalled(server: Administration, database: string): Promise<void> {
  const [found] = await server.query<{ version: number; installed: boolean }>(
    look,
    [body],
    database,
  );
  if ((found?.version ?? 0) < oldestServer) {
    throw new AdapterError(
      'refused',
      'loginTrigger needs PostgreSQL 17: give rotor the log (connectionLogFile), or take loginTrigger away',
    );
  }
  if (found?.installed === true) return;
  try {
    await server.query(install, [], database);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    throw new AdapterError(
      'not-permitted',
      `rotor may not install its login trigger in ${database}: only a superuser may make event triggers; ` +
        'let the administrator be one, or take loginTrigger away',
    );
  }
}

function useOf({ role, application, address, minute, at }: Row): ObservedUse {
  const source = {
    ...(address === null ? {} : { address }),
    ...(application === '' ? {} : { name: application }),
  };
  const times = { minute: new Date(minute), lastAt: new Date(at) };
  return { credentialId: role, source, outcome: 'accepted', ...times, count: 1 };
}
