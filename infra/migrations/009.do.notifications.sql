-- What metrics count at each scrape.
create index use_refused on rotor.use (version_id) where outcome = 'refused';
create index runs_compromise on rotor.runs (requested_at) where kind = 'compromise';
