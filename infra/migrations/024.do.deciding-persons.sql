-- Who accepted an outage of a run does not approve it.
alter table rotor.decisions add column person text;

create or replace function rotor.keep_approvals() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if exists (select from rotor.runs r where r.id = new.run_id and r.requested_person = new.person)
      or exists (select from rotor.joined_requests j where j.run_id = new.run_id and j.person = new.person)
      or exists (select from rotor.decisions d where d.run_id = new.run_id and d.person = new.person
        and d.kind in ('accept-outage', 'accept-unseen-use', 'ignore-window')) then
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
