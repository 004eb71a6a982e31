-- What is asked for all the time is found without reading all that there is.
create index schedule_slots_settled on rotor.schedule_slots (secret_id, zone, slot desc)
  where state in ('requested', 'missed');
create index schedule_slots_over on rotor.schedule_slots (secret_id, at desc)
  where state in ('requested', 'missed');
create index schedule_slots_run on rotor.schedule_slots (run_id) where run_id is not null;
drop index rotor.schedule_slots_newest;

create index joined_requests_run on rotor.joined_requests (run_id);
create index audit_run on rotor.audit (run_id) where run_id is not null;
create index grants_run on rotor.grants (run_id);
create index runs_not_ended on rotor.runs (secret_id) where state <> 'ended';
create index runs_newest on rotor.runs (requested_at desc);
