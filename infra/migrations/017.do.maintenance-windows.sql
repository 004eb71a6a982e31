-- A person may say that a run need not wait for a maintenance window.
alter table rotor.decisions drop constraint decisions_kind_check;
alter table rotor.decisions add constraint decisions_kind_check check (kind in
  ('retry', 'skip', 'roll-back', 'pause', 'resume', 'abort', 'accept-outage', 'accept-unseen-use',
   'ignore-window'));
