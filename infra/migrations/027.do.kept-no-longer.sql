-- When a sweep last came to its end.
alter table rotor.installation add column swept_at timestamptz;
grant update (swept_at) on rotor.installation to rotor_app;

-- Use is kept by the minute for some days, and by the day after that: a row that stands for a whole day says so.
alter table rotor.use add column folded boolean not null default false;
create index use_by_minute on rotor.use (version_id, minute) where not folded;

-- Slots that are long over go, but for the newest of a secret: the others begin after it.
create index schedule_slots_at on rotor.schedule_slots (at);
grant delete on rotor.schedule_slots to rotor_app;

create index uses_minute on authority.uses (minute);
grant delete on authority.uses to rotor_app;
