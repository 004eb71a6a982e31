-- Dependents that are given no new value, of one secret or of any: a system that leaked, until somebody decides.
create table rotor.withholdings (
  id uuid primary key default gen_random_uuid(),
  dependent_id uuid not null references rotor.dependents,
  -- Null: of every secret.
  secret_id uuid references rotor.secrets,
  withheld_by text not null,
  reason text not null,
  since timestamptz not null default clock_timestamp(),
  released_by text,
  released_reason text,
  released_at timestamptz,
  check ((released_at is null) = (released_by is null) and (released_at is null) = (released_reason is null))
);
create unique index withholdings_live on rotor.withholdings
  (dependent_id, coalesce(secret_id, '00000000-0000-0000-0000-000000000000'))
  where released_at is null;

create function rotor.keep_withholdings() returns trigger language plpgsql as $$
begin
  if old.released_at is not null
     or (new.id, new.dependent_id, new.withheld_by, new.reason, new.since) is distinct from
        (old.id, old.dependent_id, old.withheld_by, old.reason, old.since)
     or new.secret_id is distinct from old.secret_id then
    raise exception 'a withholding is only ever released' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger keep_withholdings before update on rotor.withholdings
  for each row execute function rotor.keep_withholdings();

grant select, insert, update on rotor.withholdings to rotor_app;
