-- Four eyes are two persons, however many tokens each of them has.
alter table rotor.access_tokens add column person text;
update rotor.access_tokens set person = name where holder = 'person';
alter table rotor.runs add column requested_person text;

-- What somebody approved: the plan as it was then, by its hash and its content.
create table rotor.approvals (
  id uuid primary key default gen_random_uuid(),
  run_id uuid not null references rotor.runs,
  plan_hash text not null,
  content jsonb not null,
  approved_by text not null,
  person text not null,
  reason text not null,
  approved_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  -- Hashes of the plans that went on because of it.
  used_for text[] not null default '{}'
);
create index approvals_run on rotor.approvals (run_id);

create function rotor.keep_approvals() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if exists (select from rotor.runs r where r.id = new.run_id and r.requested_person = new.person) then
      raise exception 'nobody approves what they asked for' using errcode = 'check_violation';
    end if;
    return new;
  end if;
  if (new.id, new.run_id, new.plan_hash, new.content, new.approved_by, new.person, new.reason,
      new.approved_at, new.expires_at) is distinct from
     (old.id, old.run_id, old.plan_hash, old.content, old.approved_by, old.person, old.reason,
      old.approved_at, old.expires_at) then
    raise exception 'an approval is never changed' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger keep_approvals before insert or update on rotor.approvals
  for each row execute function rotor.keep_approvals();

grant select, insert, update on rotor.approvals to rotor_app;
