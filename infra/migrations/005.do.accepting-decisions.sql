-- A decision may accept an outage: these dependents and these sources may break.
alter table rotor.decisions add column accepted jsonb;
alter table rotor.decisions drop constraint decisions_kind_check;
alter table rotor.decisions add constraint decisions_kind_check check (kind in
  ('retry', 'skip', 'roll-back', 'pause', 'resume', 'abort', 'accept-outage', 'accept-unseen-use'));
alter table rotor.decisions add constraint decisions_accepted_check
  check ((kind = 'accept-outage') = (accepted is not null));
