-- What only a person can type in: who is asked, until when, and what they said; and the links that show a value once.
alter table rotor.dependencies add column assignment jsonb;

create table rotor.tasks (
  id uuid primary key default gen_random_uuid(),
  kind text not null check (kind in ('enter', 'remove')),
  secret_id uuid not null references rotor.secrets,
  dependency_id uuid not null references rotor.dependencies,
  version_id uuid not null references rotor.versions,
  -- Whoever removes what is dead is waited for by no run.
  run_id uuid references rotor.runs,
  urgent boolean not null,
  -- As it was declared when the task was opened.
  assignment jsonb not null,
  state text not null default 'open' check (state in ('open', 'confirmed', 'declined', 'closed')),
  opened_at timestamptz not null default clock_timestamp(),
  due_at timestamptz not null,
  -- Its value was shown to somebody.
  fetched_at timestamptz,
  settled_at timestamptz,
  settled_by text,
  note text,
  -- The run has taken into account what was said.
  heard boolean not null default false,
  signalled_at timestamptz,
  tell_at timestamptz not null default clock_timestamp(),
  told int not null default 0,
  check ((kind = 'enter') = (run_id is not null)),
  check ((state = 'open') = (settled_at is null) and (settled_at is null) = (settled_by is null))
);
create unique index tasks_open on rotor.tasks (dependency_id, version_id, kind) where state = 'open';
create index tasks_secret on rotor.tasks (secret_id);
create index tasks_to_tell on rotor.tasks (tell_at) where state = 'open';
create index tasks_run on rotor.tasks (run_id) where state = 'open';
create index tasks_unheard on rotor.tasks (settled_at) where not heard and state in ('confirmed', 'declined');
create index tasks_version on rotor.tasks (version_id);

create function rotor.keep_tasks() returns trigger language plpgsql as $$
begin
  if (new.id, new.kind, new.secret_id, new.dependency_id, new.version_id, new.assignment, new.opened_at)
     is distinct from
     (old.id, old.kind, old.secret_id, old.dependency_id, old.version_id, old.assignment, old.opened_at)
     or new.run_id is distinct from old.run_id
     or (old.fetched_at is not null and new.fetched_at is distinct from old.fetched_at) then
    raise exception 'what a task is about never changes' using errcode = 'check_violation';
  end if;
  if old.state <> 'open' and (new.state, new.settled_at, new.settled_by) is distinct from
     (old.state, old.settled_at, old.settled_by) then
    raise exception 'a task that is settled stays so' using errcode = 'check_violation';
  end if;
  if old.state = 'open' and new.state <> 'open' then
    update rotor.findings f set closed_at = clock_timestamp()
    where f.secret_id = new.secret_id and f.code = 'task-overdue' and f.about = new.id::text
      and f.closed_at is null;
  end if;
  return new;
end $$;
create trigger keep_tasks before update on rotor.tasks
  for each row execute function rotor.keep_tasks();

-- Whoever ends a run or a version: nobody is asked for it any more, and its links are dead.
create function rotor.close_tasks_of_run() returns trigger language plpgsql as $$
begin
  update rotor.tasks set state = 'closed', settled_at = clock_timestamp(), settled_by = 'rotor',
    note = 'the run has ended'
  where run_id = new.id and state = 'open';
  return null;
end $$;
create trigger close_tasks after update of state on rotor.runs for each row
  when (new.state = 'ended' and old.state <> 'ended') execute function rotor.close_tasks_of_run();

create function rotor.close_tasks_of_version() returns trigger language plpgsql as $$
begin
  update rotor.tasks set state = 'closed', settled_at = clock_timestamp(), settled_by = 'rotor',
    note = 'the version is over'
  where version_id = new.id and kind = 'enter' and state = 'open';
  return null;
end $$;
create trigger close_tasks after update of state on rotor.versions for each row
  when (new.state in ('revoked', 'ended') and old.state is distinct from new.state)
  execute function rotor.close_tasks_of_version();

-- The newest link of a task opens, once; the others are kept to tell who tries them.
create table rotor.task_links (
  id uuid primary key default gen_random_uuid(),
  task_id uuid not null references rotor.tasks,
  hash bytea not null unique,
  issued_by text not null,
  issued_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  opened_at timestamptz
);
create index task_links_task on rotor.task_links (task_id, issued_at desc);

create function rotor.keep_task_links() returns trigger language plpgsql as $$
begin
  if (new.id, new.task_id, new.hash, new.issued_by, new.issued_at, new.expires_at) is distinct from
     (old.id, old.task_id, old.hash, old.issued_by, old.issued_at, old.expires_at)
     or old.opened_at is not null then
    raise exception 'a link opens once, and nothing else of it changes' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger keep_task_links before update on rotor.task_links
  for each row execute function rotor.keep_task_links();

grant select, insert, update on rotor.tasks, rotor.task_links to rotor_app;
