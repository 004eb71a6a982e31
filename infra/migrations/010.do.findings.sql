-- Findings of an installation belong to no secret; each says how bad it is, what shows it, and whether somebody muted it.
alter table rotor.findings
  alter column secret_id drop not null,
  add column severity text not null default 'warning' check (severity in ('info', 'warning', 'critical')),
  add column evidence jsonb,
  add column muted_until timestamptz,
  add column muted_by text,
  add column muted_reason text,
  add column muted_severity text check (muted_severity in ('info', 'warning', 'critical')),
  add constraint findings_muted check (num_nonnulls(muted_until, muted_by, muted_reason, muted_severity) in (0, 4));
update rotor.findings set severity = 'critical' where code = 'revoked-use';
create unique index findings_of_installation on rotor.findings (code, about) where secret_id is null;
create index findings_open on rotor.findings (secret_id) where closed_at is null;

create function rotor.severity_rank(severity text) returns int language sql immutable
  as $$ select array_position(array['info', 'warning', 'critical'], severity) $$;

-- What got worse since is shown again, whatever was said of it before.
create function rotor.is_muted(f rotor.findings) returns boolean language sql stable
  as $$ select coalesce(f.muted_until > clock_timestamp()
    and rotor.severity_rank(f.severity) <= rotor.severity_rank(f.muted_severity), false) $$;

-- What kept a run from going on, and for how long: its row only says what does so now.
create table rotor.waits (
  id bigint generated always as identity primary key,
  run_id uuid not null references rotor.runs,
  code text not null,
  since timestamptz not null default clock_timestamp(),
  until timestamptz
);
create index waits_run on rotor.waits (run_id);
create unique index waits_open on rotor.waits (run_id) where until is null;

create function rotor.note_waits() returns trigger language plpgsql as $$
begin
  update rotor.waits set until = clock_timestamp() where run_id = new.id and until is null;
  if new.waits_code is not null then
    insert into rotor.waits (run_id, code) values (new.id, new.waits_code);
  end if;
  return null;
end $$;
create trigger note_waits after update of waits_code on rotor.runs for each row
  when (old.waits_code is distinct from new.waits_code) execute function rotor.note_waits();

grant select, insert, update on rotor.waits to rotor_app;
