-- What secrets are chosen by: {"project": "checkout", "risk": "high"}.
alter table rotor.secrets add column labels jsonb not null default '{}';
create index secrets_labels on rotor.secrets using gin (labels);

-- Of several rules of approval the first that fits counts.
update rotor.policies set policy = jsonb_set(policy, '{approvals}',
    jsonb_build_array(policy->'approvals' || '{"labels": {}}'))
  where jsonb_typeof(policy->'approvals') = 'object';
