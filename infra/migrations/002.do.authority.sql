-- The small authority behind the built-in issuer: clients, their credentials and tokens, and who used them.
create schema authority;
revoke all on schema authority from public;

create table authority.clients (
  client_id text primary key,
  -- One client per secret of rotor's registry.
  secret_key text not null unique,
  name text not null,
  created_at timestamptz not null default clock_timestamp()
);

create table authority.credentials (
  id text primary key,
  client_id text not null references authority.clients,
  hash bytea not null unique,
  role text not null check (role in ('Viewer', 'Contributor')),
  tag text unique,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  disabled_until timestamptz,
  revoked_at timestamptz,
  check (expires_at <= created_at + interval '731 days')
);
create index credentials_client on authority.credentials (client_id);

create function authority.keep_revoked() returns trigger language plpgsql as $$
begin
  if old.revoked_at is not null and new is distinct from old then
    raise exception 'a revoked credential stays revoked' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger keep_revoked before update on authority.credentials
  for each row execute function authority.keep_revoked();

create table authority.tokens (
  hash bytea primary key,
  credential_id text not null references authority.credentials,
  source_key text not null,
  source jsonb not null,
  issued_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index tokens_credential on authority.tokens (credential_id);
create index tokens_expiry on authority.tokens (expires_at);

create table authority.uses (
  credential_id text not null references authority.credentials,
  source_key text not null,
  outcome text not null check (outcome in ('accepted', 'refused')),
  minute timestamptz not null,
  source jsonb not null,
  last_at timestamptz not null,
  count bigint not null,
  primary key (credential_id, source_key, outcome, minute)
);
create index uses_last on authority.uses (credential_id, last_at);

create table authority.spent_probes (
  mark text primary key,
  at timestamptz not null default clock_timestamp()
);

-- One batch of attempts: looked up, decided, recorded and answered in one statement, so that no answer
-- leaves before its use is committed, and a revoke that was committed before is seen.
create function authority.attempt(attempts jsonb) returns table (index int, outcome text)
language sql as $$
  with asked as materialized (
    select a.index, a.client_id, decode(a.hash, 'hex') as hash, a.source_key, a.source,
      decode(a.token_hash, 'hex') as token_hash, a.ttl_seconds, a.probe, clock_timestamp() as at
    from jsonb_to_recordset(attempts) as a(index int, client_id text, hash text, source_key text,
      source jsonb, token_hash text, ttl_seconds int, probe boolean)
  ), decided as materialized (
    select a.*, c.id as credential_id,
      case when c.id is null then 'unknown'
           when c.revoked_at is not null or c.expires_at <= a.at or c.disabled_until > a.at
           then 'refused' else 'accepted' end as outcome
    from asked a
    left join authority.credentials c on c.hash = a.hash and c.client_id = a.client_id
  ), issued as (
    insert into authority.tokens (hash, credential_id, source_key, source, expires_at)
    select token_hash, credential_id, source_key, source, at + make_interval(secs => ttl_seconds)
    from decided where outcome = 'accepted' and not probe
  ), recorded as (
    insert into authority.uses as u
      (credential_id, source_key, outcome, minute, source, last_at, count)
    select credential_id, source_key, outcome, date_trunc('minute', at), (array_agg(source))[1],
      max(at), count(*)
    from decided where credential_id is not null and not probe
    group by credential_id, source_key, outcome, date_trunc('minute', at)
    order by 1, 2, 3, 4
    on conflict (credential_id, source_key, outcome, minute) do update
      set last_at = greatest(u.last_at, excluded.last_at), count = u.count + excluded.count
  )
  select index, outcome from decided
$$;

-- One look at tokens: whether each is good, recorded as a use of whoever obtained it.
create function authority.introspect(token_hash bytea)
returns table (active boolean, client_id text, role text, issued_at timestamptz, expires_at timestamptz)
language sql as $$
  with found as materialized (
    select t.*, c.client_id, c.role, clock_timestamp() as at,
      t.revoked_at is null and t.expires_at > clock_timestamp() and c.revoked_at is null
        and c.expires_at > clock_timestamp()
        and coalesce(c.disabled_until <= clock_timestamp(), true) as active
    from authority.tokens t join authority.credentials c on c.id = t.credential_id
    where t.hash = token_hash
  ), recorded as (
    insert into authority.uses as u
      (credential_id, source_key, outcome, minute, source, last_at, count)
    select f.credential_id, f.source_key, case when f.active then 'accepted' else 'refused' end,
      date_trunc('minute', f.at), f.source, f.at, 1
    from found f
    on conflict (credential_id, source_key, outcome, minute) do update
      set last_at = greatest(u.last_at, excluded.last_at), count = u.count + 1
  )
  select f.active, f.client_id, f.role, f.issued_at, f.expires_at from found f
$$;

grant usage on schema authority to rotor_app;
grant select, insert, update on all tables in schema authority to rotor_app;
grant delete on authority.tokens, authority.spent_probes to rotor_app;
grant execute on all functions in schema authority to rotor_app;
