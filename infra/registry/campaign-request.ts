/** A campaign is planned by the names that people use, and begun: once for each key. */
import { mostDangerousFirst, type CampaignKind, type Exposure } from '../../domain/campaign.js';
import { RotorError, type Problem } from '../../domain/errors.js';
import type { Labels } from '../../domain/labels.js';
import { inTransaction, type Queryable } from '../postgres.js';
import { exposuresOf, type CampaignSubject } from './exposure.js';
import { fingerprintOf, keyReused } from './idempotency.js';
import { noteInstallation, type TrailParts } from './installation-trail.js';
import { quarantine } from './quarantines.js';

/** What was compromised, by the names that people use. */
export type NamedSubject =
  | { readonly dependent: { readonly organization: string; readonly name: string } }
  | { readonly organization: string; readonly labels?: Labels }
  | { readonly secrets: readonly { readonly organization: string; readonly name: string }[] };

export interface CampaignCall {
  readonly kind: CampaignKind;
  readonly subject: NamedSubject;
  /** Of an incident, always. */
  readonly leakedBefore?: Date;
  readonly quarantine: boolean;
  /** So many are at work at the same time. */
  readonly atOnce: number;
  readonly by: string;
  readonly person: string | undefined;
  readonly reason: string;
  readonly idempotencyKey: string;
}

interface Found {
  readonly ids: CampaignSubject;
  readonly about: string;
  readonly organizationId: string | undefined;
}

/** What a campaign would end, the most dangerous first. Throws `no-such-…` for names that are not there. */
export async function planCampaign(
  db: Queryable,
  { subject, leakedBefore }: Pick<CampaignCall, 'subject' | 'leakedBefore'>,
): Promise<Exposure[]> {
  const { ids } = await findSubject(db, subject);
  return mostDangerousFirst(await exposuresOf(db, ids, leakedBefore));
}

/** Idempotent by its key: the same call again is the same campaign, another one is a conflict. */
export async function beginCampaign(parts: TrailParts, call: CampaignCall): Promise<string> {
  return inTransaction(parts.pool, async (db) => {
    const before = await begunBefore(db, call);
    if (before !== undefined) return before;
    const { ids, about, organizationId } = await findSubject(db, call.subject);
    const { rows } = await db.query<{ id: string }>(
      `insert into rotor.campaigns (kind, subject, about, organization_id, leaked_before, at_once,
         quarantine, started_by, started_person, reason, idempotency_key, request_fingerprint)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
       on conflict (idempotency_key) do nothing returning id`,
      [
        call.kind,
        JSON.stringify(ids),
        about,
        organizationId ?? null,
        call.leakedBefore ?? null,
        call.atOnce,
        call.quarantine,
        call.by,
        call.person ?? null,
        call.reason,
        call.idempotencyKey,
        fingerprintOf(call),
      ],
    );
    const id = rows[0]?.id;
    // Somebody was first meanwhile: their campaign is there now.
    if (id === undefined) return (await begunBefore(db, call)) ?? '';
    await quarantineSubject(db, parts, { ...call, id });
    const { by: actor, leakedBefore, quarantine, reason } = call;
    const change = `${call.kind}-started`;
    const event = { change, id, about, leakedBefore, quarantine, reason };
    await noteInstallation(parts, db, { actor, event });
    return id;
  });
}

/** Whoever leaked is given nothing new from the first moment on. */
async function quarantineSubject(
  db: Queryable,
  { audit }: Pick<TrailParts, 'audit'>,
  {
    id: campaignId,
    subject,
    quarantine: isWanted,
    by,
    reason,
  }: CampaignCall & { readonly id: string },
): Promise<void> {
  if (!isWanted || !('dependent' in subject)) return;
  const { organization, name: dependent } = subject.dependent;
  await quarantine(db, audit, { campaignId, organization, dependent, by, reason });
}

/** Throws `idempotency-key-reused` where the key began another one. */
export async function begunBefore(db: Queryable, call: CampaignCall): Promise<string | undefined> {
  const { rows } = await db.query<{ id: string; request_fingerprint: string }>(
    'select id, request_fingerprint from rotor.campaigns where idempotency_key = $1',
    [call.idempotencyKey],
  );
  const [found] = rows;
  if (found !== undefined && found.request_fingerprint !== fingerprintOf(call)) throw keyReused();
  return found?.id;
}

async function findSubject(db: Queryable, subject: NamedSubject): Promise<Found> {
  if ('organization' in subject) {
    const [id] = await idsOf(db, 'organization', [subject.organization]);
    const { labels = {} } = subject;
    const labelled = Object.entries(labels).map(([name, value]) => ` ${name}=${value}`);
    return {
      ids: { organization: id, labels },
      about: `organization ${subject.organization}${labelled.join('')}`,
      organizationId: id,
    };
  }
  if ('dependent' in subject) {
    const { organization, name } = subject.dependent;
    const [organizationId] = await idsOf(db, 'organization', [organization]);
    const dependents = await idsOf(db, 'dependent', [organization, name]);
    return { ids: { dependents }, about: `${organization}/${name}`, organizationId };
  }
  const ids = await secretIdsOf(db, subject.secrets);
  const [first] = subject.secrets;
  const one = subject.secrets.every(({ organization }) => organization === first?.organization);
  const organizationId = one && first && (await idsOf(db, 'organization', [first.organization]))[0];
  return {
    ids: { secrets: ids },
    about: `${ids.length} secrets`,
    organizationId: organizationId || undefined,
  };
}

const lookups = {
  organization: 'select id from rotor.organizations where name = $1',
  dependent: `select t.id from rotor.dependents t join rotor.organizations o on o.id = t.organization_id
    where o.name = $1 and t.name = $2 order by t.id`,
  secret: `select s.id from rotor.secrets s join rotor.organizations o on o.id = s.organization_id
    where o.name = $1 and s.name = $2 and s.retired_at is null`,
} as const;

/** All that are not there at once, each by where it stands in the list. */
async function secretIdsOf(
  db: Queryable,
  secrets: readonly { readonly organization: string; readonly name: string }[],
): Promise<string[]> {
  const ids: string[] = [];
  const problems: Problem[] = [];
  for (const [index, { organization, name }] of secrets.entries()) {
    const found = await lookUp(db, 'secret', [organization, name]);
    ids.push(...found);
    if (found.length > 0) continue;
    const message = `there is no secret ${organization}/${name}`;
    problems.push({ path: `secrets.${index}`, message });
  }
  if (problems.length === 0) return ids;
  throw new RotorError('no-such-secret', 'a secret is not there', { kind: 'missing', problems });
}

async function lookUp(
  db: Queryable,
  what: keyof typeof lookups,
  names: readonly string[],
): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(lookups[what], [...names]);
  return rows.map(({ id }) => id);
}

async function idsOf(
  db: Queryable,
  what: keyof typeof lookups,
  names: readonly string[],
): Promise<readonly [string, ...string[]]> {
  const [first, ...others] = await lookUp(db, what, names);
  if (first !== undefined) return [first, ...others];
  const message = `there is no ${what} ${names.join('/')}`;
  throw new RotorError(`no-such-${what}`, message, { kind: 'missing' });
}
