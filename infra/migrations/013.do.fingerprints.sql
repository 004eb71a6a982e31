-- Which version a leaked value was, also long after it was revoked: HMAC-SHA-256 under a key of the key file.
create table rotor.fingerprints (
  -- A value is sealed before its version is adopted: no reference.
  version_id uuid primary key,
  mac bytea not null
);
create index fingerprints_mac on rotor.fingerprints (mac);
grant select, insert on rotor.fingerprints to rotor_app;
