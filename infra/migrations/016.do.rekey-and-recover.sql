-- Keys that values are sealed with. One that was dropped seals nothing more, also by who has not heard of it.
create table sealed.keys (
  kid text primary key,
  usable boolean not null default true,
  first_used_at timestamptz not null default clock_timestamp(),
  dropped_at timestamptz,
  check (usable = (dropped_at is null)),
  unique (kid, usable)
);
insert into sealed.keys (kid) select distinct kid from sealed.values;

-- As long as a value is sealed with a key, the key stays usable: the reference holds it.
alter table sealed.values
  add column usable boolean not null default true check (usable),
  add foreign key (kid, usable) references sealed.keys (kid, usable);
create index values_kid on sealed.values (kid);

create function sealed.keep_dropped() returns trigger language plpgsql as $$
begin
  if not old.usable then
    raise exception 'a key that was dropped stays dropped' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger keep_dropped before update on sealed.keys
  for each row execute function sealed.keep_dropped();

grant select, insert, update on sealed.keys to rotor_app;

-- A database that was set back says so until somebody has said what became of it.
alter table rotor.installation
  add column recovering_since timestamptz,
  add column recovering_cause text,
  add column recovered_at timestamptz;
grant update (recovering, recovering_since, recovering_cause, recovered_at) on rotor.installation to rotor_app;

-- Goes up as long as a worker lives, which keeps beside the database how far it saw it go.
create table rotor.pulse (
  only_one boolean primary key default true check (only_one),
  -- A new one begins with each recovery: the moment of it, so that a later one always counts more.
  life bigint not null default 0,
  beat bigint not null default 0
);
insert into rotor.pulse default values;
grant select, update on rotor.pulse to rotor_app;
