-- When a sweep last came to its end.
alter table rotor.installation add column swept_at timestamptz;
grant update (swept_at) on rotor.installation to rotor_app;
