-- A project that is over is a campaign too: all secrets of an organization, or of labels, are decommissioned.
alter table rotor.campaigns drop constraint campaigns_kind_check,
  alter column leaked_before drop not null,
  add constraint campaigns_kind_check check (kind in ('incident', 'project')),
  add constraint campaigns_leaked_check check ((kind = 'incident') = (leaked_before is not null));
