-- The keys of requests that joined a run: repeated, also after its end, they are answered with that run.
create table rotor.joined_requests (
  idempotency_key text primary key,
  run_id uuid not null references rotor.runs,
  request_fingerprint text not null,
  joined_at timestamptz not null default clock_timestamp()
);
grant select, insert on rotor.joined_requests to rotor_app;
