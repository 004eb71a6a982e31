-- Whoever holds a dead link can press it without end: refusals are counted, and told to the audit trail once a minute.
create table rotor.link_refusals (
  link_id uuid primary key references rotor.task_links,
  why text not null,
  times int not null,
  noted_at timestamptz not null
);
grant select, insert, update on rotor.link_refusals to rotor_app;
