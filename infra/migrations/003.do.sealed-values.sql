-- rotor's own vault: values as JWE, each bound to the id of its version.
create schema sealed;
revoke all on schema sealed from public;

create table sealed.values (
  version_id uuid primary key,
  kid text not null,
  jwe text not null,
  sealed_at timestamptz not null default clock_timestamp()
);

grant usage on schema sealed to rotor_app;
grant select, insert, update, delete on sealed.values to rotor_app;
