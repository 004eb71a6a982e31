-- Where a value lies that is not in sealed.values: on record before it is put there, until it is destroyed.
create table sealed.places (
  value_id uuid primary key,
  place text not null check (place <> ''),
  noted_at timestamptz not null default clock_timestamp()
);
create index places_place on sealed.places (place);

grant select, insert, delete on sealed.places to rotor_app;
