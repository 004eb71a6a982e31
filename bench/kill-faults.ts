/** What must never happen, counted from outside: at the issuer, in the database, at the destinations, in the logs. */
import type { Installation, UsedSecret } from '../test/faults/installation.js';
import type { Leak } from './churn.js';

export interface Faults {
  readonly counts: readonly (readonly [what: string, count: number])[];
  /** For whoever has to find the cause. */
  readonly details: readonly string[];
}

export async function countFaults(
  installation: Installation,
  secrets: readonly UsedSecret[],
  leaks: readonly Leak[],
): Promise<Faults> {
  const details: string[] = [];
  const count = (what: string, found: readonly string[]): readonly [string, number] => {
    details.push(...found.map((one) => `${what}: ${one}`));
    return [what, found.length];
  };
  const orphans = await Promise.all(secrets.map((secret) => secret.orphans()));
  const lost = await Promise.all(secrets.map(lostPlaces));
  const counts = [
    count('orphans', orphans.flat()),
    count('lost values', [...lost.flat(), ...(await list(installation, unsealed))]),
    count(
      'refused outside of compromises',
      secrets.flatMap((s) => refusedOutside(s, leaks)),
    ),
    count('revocations without grant', await list(installation, ungranted)),
    count('plaintext hits in logs', plaintext(installation, secrets)),
    count('audit trails with faults', await auditFaults(installation)),
  ];
  if (orphans.flat().length > 0) details.push(...(await list(installation, everyCredential)));
  return { counts, details };
}

/** What there is to say of each credential that lives on either side: for whoever looks for the cause of an orphan. */
const everyCredential = `
  select concat_ws(' ', s.name, c.id, 'made', c.created_at, '| v' || v.ordinal, v.state, v.origin, v.credential_id,
    'run', v.run_id, r.kind, r.state, r.outcome, '| tagged', w.ordinal, w.state, w.ended_cause, w.run_id,
    x.kind, x.outcome, x.ended_at) as told
  from authority.credentials c
  full join rotor.versions v on v.credential_id = c.id
  left join rotor.secrets s on s.id = v.secret_id left join rotor.runs r on r.id = v.run_id
  left join rotor.versions w on c.tag like '%/' || w.id left join rotor.runs x on x.id = w.run_id
  where (c.id is not null and c.revoked_at is null)
     or (v.id is not null and v.state not in ('revoked', 'ended'))`;

/** Places where none of the values is one that the issuer accepts. */
async function lostPlaces(secret: UsedSecret): Promise<string[]> {
  const lost: string[] = [];
  for (const [place, values] of Object.entries(secret.values())) {
    const outcomes = await Promise.all(values.map((value) => secret.login(value, 'check')));
    if (!outcomes.includes('accepted')) lost.push(`${secret.name} ${place}`);
  }
  return lost;
}

/** Secrets whose current version is missing, or without a sealed value. */
const unsealed = `
  select s.name as told from rotor.secrets s
  left join rotor.versions v on v.secret_id = s.id and v.is_current
  where v.value is distinct from 'sealed' or not exists (
    select from sealed.values where version_id = v.id)`;

/** By the registry's account, and by the issuer's own. */
const ungranted = `
  select 'version ' || v.id as told from rotor.versions v where v.state = 'revoked' and not exists (
    select from rotor.grants g where g.id = v.grant_id and g.version_id = v.id
      and g.called_at between g.granted_at and g.expires_at)
  union all
  select 'credential ' || c.id from authority.credentials c where c.revoked_at is not null and not exists (
    select from rotor.versions v join rotor.grants g on g.version_id = v.id
    where v.credential_id = c.id and g.called_at between g.granted_at and g.expires_at
      and g.called_at <= c.revoked_at)`;

async function list({ database }: Installation, query: string): Promise<string[]> {
  const { rows } = await database.ownerPool.query<{ told: string }>(query);
  return rows.map(({ told }) => told);
}

function refusedOutside({ name, refusedAt }: UsedSecret, leaks: readonly Leak[]): string[] {
  const own = leaks.filter(({ secret }) => secret === name);
  return refusedAt
    .filter((at) => !own.some(({ from, until }) => at >= from && at <= until))
    .map((at) => `${name} at ${new Date(at).toISOString()}`);
}

function plaintext({ log }: Installation, secrets: readonly UsedSecret[]): string[] {
  const logs = ['worker', 'api'].map((name) => [name, log(name)] as const);
  const values = secrets.flatMap(({ seen }) => [...seen]).filter((value) => value !== '');
  return logs.flatMap(([name, text]) =>
    values.filter((value) => text.includes(value)).map(() => `${name}.log`),
  );
}

async function auditFaults({ api }: Installation): Promise<string[]> {
  const { faults } = await api.get<{ faults: unknown[] }>('/v1/audit/verify');
  return faults.map((fault) => JSON.stringify(fault));
}
