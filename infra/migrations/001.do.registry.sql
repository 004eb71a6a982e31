-- The registry: inventory, evidence and decisions. What must always hold is held here, whoever writes.
create schema rotor;
revoke all on schema rotor from public;

do $$ begin
  create role rotor_app nologin;
exception when duplicate_object or unique_violation then null;
end $$;

create table rotor.installation (
  only_one boolean primary key default true check (only_one),
  id uuid not null default gen_random_uuid(),
  recovering boolean not null default false,
  created_at timestamptz not null default now()
);
insert into rotor.installation default values;

create table rotor.organizations (
  id uuid primary key default gen_random_uuid(),
  name text not null unique,
  created_at timestamptz not null default now()
);

create table rotor.policies (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references rotor.organizations,
  name text not null,
  revision int not null default 1,
  policy jsonb not null,
  unique (organization_id, name)
);

create table rotor.secrets (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references rotor.organizations,
  name text not null,
  owner text not null,
  documentation text,
  issuer text not null,
  specification jsonb not null,
  policy_id uuid references rotor.policies,
  created_at timestamptz not null default now(),
  retired_at timestamptz
);
-- A name declared again after its secret was retired is a new secret.
create unique index secrets_name on rotor.secrets (organization_id, name) where retired_at is null;

create table rotor.dependents (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references rotor.organizations,
  name text not null,
  owner text not null,
  documentation text,
  created_at timestamptz not null default now(),
  retired_at timestamptz
);
create unique index dependents_name on rotor.dependents (organization_id, name) where retired_at is null;

create table rotor.destinations (
  id uuid primary key default gen_random_uuid(),
  connector text not null,
  identity text not null,
  address jsonb not null,
  unique (connector, identity)
);

create table rotor.dependencies (
  id uuid primary key default gen_random_uuid(),
  secret_id uuid not null references rotor.secrets,
  dependent_id uuid not null references rotor.dependents,
  destination_id uuid not null references rotor.destinations,
  wave text,
  owner text not null,
  documentation text,
  least_evidence text not null check (least_evidence in ('human', 'read-back', 'attested', 'observed')),
  seen_as jsonb,
  uses_at_least_every_ms bigint,
  picks_up_within_ms bigint not null,
  declared_at timestamptz not null default now(),
  retired_at timestamptz
);
create unique index dependencies_live on rotor.dependencies (secret_id, dependent_id, destination_id)
  where retired_at is null;
create index dependencies_dependent on rotor.dependencies (dependent_id);

create table rotor.runs (
  id uuid primary key,
  secret_id uuid not null references rotor.secrets,
  kind text not null check (kind in ('rotate', 'compromise', 'revoke', 'decommission')),
  state text not null check (state in ('queued', 'requested', 'running', 'ended')),
  outcome text check (outcome in ('succeeded', 'rolled-back', 'superseded')),
  requested_by text not null,
  reason text not null,
  options jsonb not null default '{}',
  idempotency_key text not null unique,
  request_fingerprint text not null,
  supersedes uuid references rotor.runs,
  requested_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  ended_at timestamptz,
  claimed_by text,
  claimed_until timestamptz,
  plan jsonb,
  plan_revision int not null default 0,
  plan_hash text,
  waits_code text,
  waits_told text,
  waits_until timestamptz,
  check ((state = 'ended') = (ended_at is not null)),
  check ((state = 'ended') = (outcome is not null))
);
-- The lock, seen from the database: one open run per secret, and one more in the queue.
create unique index runs_open on rotor.runs (secret_id) where state in ('requested', 'running');
create unique index runs_queued on rotor.runs (secret_id) where state = 'queued';
create index runs_secret on rotor.runs (secret_id, requested_at desc);

create function rotor.keep_ended_runs() returns trigger language plpgsql as $$
begin
  if old.state = 'ended' and (new.state <> 'ended' or new.outcome <> old.outcome) then
    raise exception 'a run that ended stays ended' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger keep_ended_runs before update on rotor.runs
  for each row execute function rotor.keep_ended_runs();

create table rotor.plans (
  run_id uuid not null references rotor.runs,
  revision int not null,
  hash text not null,
  plan jsonb not null,
  stored_at timestamptz not null default clock_timestamp(),
  primary key (run_id, revision)
);

create table rotor.grants (
  id uuid primary key,
  version_id uuid not null,
  run_id uuid not null references rotor.runs,
  basis text not null check (basis in
    ('proven-unused', 'never-delivered', 'unseen-use-accepted', 'accepted-outage', 'contained')),
  because jsonb not null,
  granted_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  called_at timestamptz
);
create index grants_version on rotor.grants (version_id);

create function rotor.keep_grants() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'a grant is never deleted' using errcode = 'check_violation';
  end if;
  if (new.id, new.version_id, new.run_id, new.basis, new.because, new.granted_at, new.expires_at)
     is distinct from
     (old.id, old.version_id, old.run_id, old.basis, old.because, old.granted_at, old.expires_at) then
    raise exception 'a grant is never changed' using errcode = 'check_violation';
  end if;
  if old.called_at is not null then
    raise exception 'a grant is used once' using errcode = 'check_violation';
  end if;
  -- The database's own clock, whatever the caller says.
  new.called_at := clock_timestamp();
  if new.called_at > old.expires_at then
    raise exception 'the grant has expired' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger keep_grants before update or delete on rotor.grants
  for each row execute function rotor.keep_grants();

create function rotor.begin_grants() returns trigger language plpgsql as $$
begin
  new.granted_at := clock_timestamp();
  new.called_at := null;
  return new;
end $$;
create trigger begin_grants before insert on rotor.grants
  for each row execute function rotor.begin_grants();

create table rotor.versions (
  id uuid primary key,
  secret_id uuid not null references rotor.secrets,
  ordinal int not null,
  state text not null
    check (state in ('pending', 'active', 'retiring', 'disabled', 'revoked', 'ended')),
  is_current boolean not null default false,
  origin text not null check (origin in ('minted', 'adopted', 'orphan')),
  value text not null check (value in ('sealed', 'unknown', 'destroyed')),
  credential_id text,
  run_id uuid references rotor.runs,
  grant_id uuid references rotor.grants,
  listed_before jsonb,
  -- What the issuer answered to the mint whose value is sealed.
  minted_as text,
  refused boolean not null default false,
  brought_back int not null default 0,
  created_at timestamptz not null default clock_timestamp(),
  activated_at timestamptz,
  expires_at timestamptz,
  confirmed_at timestamptz,
  disabled_at timestamptz,
  disabled_until timestamptz,
  ended_cause text check (ended_cause in ('never-minted', 'expired', 'removed-elsewhere')),
  revoked_at timestamptz,
  outlived text,
  monitor_until timestamptz,
  unique (secret_id, ordinal),
  check (not is_current or state in ('active', 'retiring', 'disabled')),
  check ((state = 'revoked') = (grant_id is not null and revoked_at is not null)),
  check ((state = 'ended') = (ended_cause is not null))
);
create unique index versions_current on rotor.versions (secret_id) where is_current;
-- An issuer never uses an id twice; one credential is one version.
create unique index versions_credential on rotor.versions (secret_id, credential_id)
  where credential_id is not null;
alter table rotor.grants add foreign key (version_id) references rotor.versions;

create table rotor.allowed_moves (
  from_state text not null,
  to_state text not null,
  primary key (from_state, to_state)
);
insert into rotor.allowed_moves values
  ('pending', 'active'), ('pending', 'revoked'), ('pending', 'ended'),
  ('active', 'retiring'), ('active', 'revoked'), ('active', 'ended'),
  ('retiring', 'active'), ('retiring', 'disabled'), ('retiring', 'revoked'), ('retiring', 'ended'),
  ('disabled', 'retiring'), ('disabled', 'revoked'), ('disabled', 'ended');

create function rotor.keep_versions() returns trigger language plpgsql as $$
declare
  live_when_called boolean;
begin
  if tg_op = 'DELETE' then
    raise exception 'a version is never deleted' using errcode = 'check_violation';
  end if;
  if tg_op = 'INSERT' then
    if new.state not in ('pending', 'active', 'retiring')
       or (new.state <> 'pending' and new.origin = 'minted') then
      raise exception 'a version does not begin as %', new.state using errcode = 'check_violation';
    end if;
    return new;
  end if;
  if new.secret_id <> old.secret_id or new.ordinal <> old.ordinal
     or (old.credential_id is not null and new.credential_id is distinct from old.credential_id) then
    raise exception 'the identity of a version never changes' using errcode = 'check_violation';
  end if;
  if old.grant_id is not null and new.grant_id is distinct from old.grant_id then
    raise exception 'the grant of a revoked version stays' using errcode = 'check_violation';
  end if;
  if new.state = old.state then
    return new;
  end if;
  if not exists (select from rotor.allowed_moves m
                 where m.from_state = old.state and m.to_state = new.state) then
    raise exception 'a version does not go from % to %', old.state, new.state
      using errcode = 'check_violation';
  end if;
  if new.state = 'revoked' then
    select g.called_at between g.granted_at and g.expires_at into live_when_called
      from rotor.grants g where g.id = new.grant_id and g.version_id = new.id;
    if live_when_called is not true then
      raise exception 'revoked only with a grant that was live when the call was made'
        using errcode = 'check_violation';
    end if;
  end if;
  return new;
end $$;
create trigger keep_versions before insert or update or delete on rotor.versions
  for each row execute function rotor.keep_versions();

create table rotor.deliveries (
  dependency_id uuid not null references rotor.dependencies,
  version_id uuid not null references rotor.versions,
  generation bigint not null default 0,
  evidence text check (evidence in ('human', 'read-back', 'attested', 'observed')),
  delivered_at timestamptz,
  moved_at timestamptz,
  failure text,
  primary key (dependency_id, version_id)
);
create index deliveries_version on rotor.deliveries (version_id);

create table rotor.leases (
  destination_id uuid primary key references rotor.destinations,
  generation bigint not null,
  version_id uuid not null references rotor.versions,
  run_id uuid not null references rotor.runs,
  deadline timestamptz not null,
  released boolean not null default false
);

create function rotor.keep_leases() returns trigger language plpgsql as $$
begin
  if new.generation < old.generation
     or (new.generation = old.generation and new.version_id <> old.version_id) then
    raise exception 'a lease only goes to a newer generation' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger keep_leases before update on rotor.leases
  for each row execute function rotor.keep_leases();

create table rotor.effects (
  id uuid primary key,
  run_id uuid not null references rotor.runs,
  kind text not null check (kind in ('mint', 'deliver', 'disable', 'enable', 'revoke')),
  version_id uuid not null references rotor.versions,
  begun_at timestamptz not null default clock_timestamp(),
  deadline timestamptz not null,
  finished boolean not null default false
);
create index effects_open on rotor.effects (version_id) where not finished;

-- What issuers saw: per version, source, outcome and minute.
create table rotor.use (
  version_id uuid not null references rotor.versions,
  source_key text not null,
  outcome text not null check (outcome in ('accepted', 'refused')),
  minute timestamptz not null,
  source jsonb not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  count bigint not null,
  primary key (version_id, source_key, outcome, minute)
);

create table rotor.use_records (
  secret_id uuid primary key references rotor.secrets,
  kind text not null,
  complete_through timestamptz not null,
  continuous_since timestamptz not null,
  resolution_ms bigint not null,
  skew_ms bigint not null,
  read_at timestamptz not null default clock_timestamp()
);

create table rotor.findings (
  id uuid primary key default gen_random_uuid(),
  secret_id uuid not null references rotor.secrets,
  version_id uuid references rotor.versions,
  code text not null,
  about text not null,
  message text not null,
  source jsonb,
  first_at timestamptz not null default clock_timestamp(),
  last_at timestamptz not null default clock_timestamp(),
  count bigint not null default 1,
  closed_at timestamptz,
  unique (secret_id, code, about)
);

create table rotor.decisions (
  id uuid primary key,
  run_id uuid not null references rotor.runs,
  kind text not null
    check (kind in ('retry', 'skip', 'roll-back', 'pause', 'resume', 'abort')),
  dependency_id uuid references rotor.dependencies,
  decided_by text not null,
  reason text not null,
  decided_at timestamptz not null default clock_timestamp(),
  read boolean not null default false,
  signalled_at timestamptz
);
create index decisions_run on rotor.decisions (run_id);
create index decisions_unread on rotor.decisions (run_id) where not read;

create table rotor.access_tokens (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  holder text not null check (holder in ('person', 'service')),
  organization_id uuid references rotor.organizations,
  role text not null check (role in ('viewer', 'operator', 'approver', 'security', 'admin')),
  hash bytea not null unique,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create unique index access_tokens_name on rotor.access_tokens (name) where revoked_at is null;

-- The trail of one secret (or of the installation): each event is bound to the one before it.
create table rotor.audit (
  chain_id uuid not null,
  seq bigint not null,
  at timestamptz not null,
  actor text not null,
  run_id uuid,
  event jsonb not null,
  mac bytea not null,
  primary key (chain_id, seq)
);
-- Head and count are kept beside the trail, so that the loss of its last events shows.
create table rotor.audit_heads (
  chain_id uuid primary key,
  count bigint not null,
  head bytea not null,
  mac bytea not null
);

create function rotor.keep_audit() returns trigger language plpgsql as $$
begin
  raise exception 'the audit trail is only ever added to' using errcode = 'insufficient_privilege';
end $$;
create trigger keep_audit before update or delete or truncate on rotor.audit
  for each statement execute function rotor.keep_audit();

create function rotor.grow_heads() returns trigger language plpgsql as $$
begin
  if new.count <= old.count then
    raise exception 'the audit trail only grows' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger grow_heads before update on rotor.audit_heads
  for each row execute function rotor.grow_heads();

grant usage on schema rotor to rotor_app;
grant select, insert, update on all tables in schema rotor to rotor_app;
grant delete on rotor.use to rotor_app;
revoke update on rotor.audit, rotor.allowed_moves, rotor.plans, rotor.installation from rotor_app;
revoke insert on rotor.allowed_moves, rotor.installation from rotor_app;
