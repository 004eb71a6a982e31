-- The same call again is the same campaign: of those from before, no key is known.
alter table rotor.campaigns add idempotency_key text unique, add request_fingerprint text,
  add constraint campaigns_key_check check ((idempotency_key is null) = (request_fingerprint is null));
