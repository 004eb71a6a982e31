-- Many runs, one cause: everything that a compromised system held is contained, the most dangerous first.
create table rotor.campaigns (
  id uuid primary key default gen_random_uuid(),
  kind text not null check (kind in ('incident')),
  -- {"dependent": id}, {"organization": id} or {"secrets": [id, ...]}, and what people call it.
  subject jsonb not null,
  about text not null,
  organization_id uuid references rotor.organizations,
  leaked_before timestamptz not null,
  at_once int not null check (at_once between 1 and 100),
  quarantine boolean not null,
  started_by text not null,
  started_person text,
  reason text not null,
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz
);

create table rotor.campaign_secrets (
  campaign_id uuid not null references rotor.campaigns,
  secret_id uuid not null references rotor.secrets,
  -- What leaked, as it was known when the secret came into it.
  version_ids uuid[] not null,
  -- Smaller is more dangerous.
  position int not null,
  run_id uuid references rotor.runs,
  failure text,
  asked_at timestamptz,
  primary key (campaign_id, secret_id)
);

grant select, insert, update on rotor.campaigns, rotor.campaign_secrets to rotor_app;
