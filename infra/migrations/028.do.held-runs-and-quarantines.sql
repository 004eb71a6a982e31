-- A wait whose moment came and was put off holds its run: since when that is so is not asked again of every reader.
alter table rotor.runs
  add column waits_promised timestamptz,
  add column waits_held boolean not null default false,
  -- It ended without its workflow, so nobody was told yet.
  add column end_untold boolean not null default false;
create index runs_end_untold on rotor.runs (ended_at) where end_untold;

-- How often a run has ended that left alive what it was asked to end.
alter table rotor.campaign_secrets add column left_alive int not null default 0;

-- An incident's quarantine is its own: releasing one ends nobody else's.
alter table rotor.withholdings add column campaign_id uuid references rotor.campaigns;
update rotor.withholdings w set campaign_id = (
  select g.id from rotor.campaigns g
  where g.quarantine and g.subject->'dependents' @> to_jsonb(array[w.dependent_id::text])
    and (g.started_by, g.reason) = (w.withheld_by, w.reason)
    and g.started_at between w.since and w.since + interval '1 minute'
  order by g.started_at limit 1)
where w.secret_id is null and w.released_at is null;

drop index rotor.withholdings_live;
create unique index withholdings_live on rotor.withholdings
  (dependent_id, coalesce(secret_id, '00000000-0000-0000-0000-000000000000'),
   coalesce(campaign_id, '00000000-0000-0000-0000-000000000000'))
  where released_at is null;

create or replace function rotor.keep_withholdings() returns trigger language plpgsql as $$
begin
  if old.released_at is not null
     or (new.id, new.dependent_id, new.withheld_by, new.reason, new.since) is distinct from
        (old.id, old.dependent_id, old.withheld_by, old.reason, old.since)
     or new.secret_id is distinct from old.secret_id
     or new.campaign_id is distinct from old.campaign_id then
    raise exception 'a withholding is only ever released' using errcode = 'check_violation';
  end if;
  return new;
end $$;
