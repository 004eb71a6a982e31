-- What people are told, and by which route. An event is the outbox of a fact: it is sent later, by whoever claims it.
create table rotor.events (
  id uuid primary key default gen_random_uuid(),
  kind text not null,
  severity text not null check (severity in ('info', 'warning', 'critical')),
  code text not null,
  -- No references: they would lock secrets and runs after findings, against everybody's order. Events are no record.
  secret_id uuid,
  run_id uuid,
  -- As they were then; null where it is about no secret.
  organization text,
  secret text,
  owner text,
  message text not null,
  -- The same again within a while is this event once more.
  sameness text not null,
  count bigint not null default 1,
  at timestamptz not null default clock_timestamp(),
  last_at timestamptz not null default clock_timestamp()
);
create index events_sameness on rotor.events (sameness, at desc);
create index events_last on rotor.events (last_at);

create table rotor.notifications (
  event_id uuid not null references rotor.events on delete cascade,
  route text not null,
  state text not null default 'pending' check (state in ('pending', 'sent', 'failed')),
  -- Waits for others of its route, and goes out with them under the digest's id.
  digested boolean not null,
  digest_id uuid,
  attempts int not null default 0,
  due_at timestamptz not null,
  give_up_at timestamptz not null,
  claimed_by text,
  claimed_until timestamptz,
  failure text,
  created_at timestamptz not null default clock_timestamp(),
  sent_at timestamptz,
  primary key (event_id, route),
  check ((state = 'sent') = (sent_at is not null))
);
create index notifications_pending on rotor.notifications (route, due_at) where state = 'pending';
create index notifications_latest on rotor.notifications (route, created_at desc);

-- Findings and compromises are facts already, whoever writes them: null until an event was made of them.
alter table rotor.findings add column told_at timestamptz;
update rotor.findings set told_at = clock_timestamp();
create index findings_untold on rotor.findings (first_at) where told_at is null and closed_at is null;
alter table rotor.runs add column told_at timestamptz;
update rotor.runs set told_at = clock_timestamp() where kind = 'compromise';
create index runs_untold on rotor.runs (requested_at) where told_at is null and kind = 'compromise';

create function rotor.tell_again() returns trigger language plpgsql as $$
begin
  new.told_at := null;
  return new;
end $$;
create trigger tell_again before update on rotor.findings for each row
  when (old.closed_at is not null and new.closed_at is null) execute function rotor.tell_again();

grant select, insert, update, delete on rotor.events, rotor.notifications to rotor_app;

-- What metrics count at each scrape.
create index use_refused on rotor.use (version_id) where outcome = 'refused';
create index runs_compromise on rotor.runs (requested_at) where kind = 'compromise';
