-- Earlier deliveries to a destination that have not reported: until their deadline they may still write there.
alter table rotor.leases add column contested jsonb not null default '[]';
