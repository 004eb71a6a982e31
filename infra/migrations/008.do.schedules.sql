-- Schedules: what a secret says of its own, what counts for it now, and what became of each slot.
alter table rotor.secrets add column schedule jsonb;
alter table rotor.secrets add column not_with text[] not null default '{}';

create table rotor.schedules (
  secret_id uuid primary key references rotor.secrets,
  -- The secret's own schedule or its policy's; null where there is none any more.
  schedule jsonb,
  -- Slots before this moment are of an earlier schedule, or of the time that it was paused.
  since timestamptz not null default clock_timestamp(),
  paused_by text,
  paused_reason text,
  -- The note of a schedule that somebody paused in Temporal.
  paused_in_temporal text,
  check ((paused_by is null) = (paused_reason is null))
);

-- A local time in its zone is one slot, whatever the schedule was when it came.
create table rotor.schedule_slots (
  secret_id uuid not null references rotor.secrets,
  zone text not null,
  slot text not null,
  state text not null check (state in ('requested', 'skipped', 'missed', 'postponed')),
  at timestamptz not null,
  reason text not null,
  decided_by text not null,
  decided_at timestamptz not null default clock_timestamp(),
  run_id uuid references rotor.runs,
  primary key (secret_id, zone, slot),
  check ((state = 'requested') = (run_id is not null))
);
create index schedule_slots_newest on rotor.schedule_slots (secret_id, slot desc);

create function rotor.keep_slots() returns trigger language plpgsql as $$
begin
  if old.state in ('requested', 'missed') then
    raise exception 'a slot is settled once' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger keep_slots before update on rotor.schedule_slots
  for each row execute function rotor.keep_slots();

grant select, insert, update on rotor.schedules, rotor.schedule_slots to rotor_app;
