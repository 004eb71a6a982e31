/** Records of use: every login from the audit device, or the tokens that live at each look. */
import { z } from 'zod';
import { AdapterError } from '../../domain/errors.js';
import type { ObservedUse, UseRecord } from '../../domain/issuer.js';
import { byMinute } from '../by-minute.js';
import { exactRecord, sampledRecord, sinceLooks } from '../records.js';
import { rememberUses } from '../seen-uses.js';
import { readTag } from '../tag.js';
import type { AuditedLogin } from './audit-line.js';
import { openAuditLog, type AuditSource } from './audit-log.js';
import type { Bao } from '../../reach/openbao.js';
import type { Role, SecretId } from './secret-ids.js';
import type { Token } from './tokens.js';

export interface AuditedUses {
  /** `ids`: all of the role that are or were known. */
  recordOf(role: Role, since: Date, ids: () => Promise<readonly SecretId[]>): Promise<UseRecord>;
}

/** What accepted logins told of a value that is known by its hash alone. */
interface Learned {
  readonly role: string;
  readonly tag: string | undefined;
}

const mostLearned = 50_000;

export interface AuditedSource extends Omit<AuditSource, 'seen'> {
  readonly installationId: string;
}

export function openAuditedUses({ installationId, ...source }: AuditedSource): AuditedUses {
  const seen = rememberUses();
  const learned = new Map<string, Learned>();
  const log = openAuditLog({
    ...source,
    seen: ({ audited, address, outcome, at, role, tag }: AuditedLogin) => {
      seen.add({ credentialId: audited, outcome, address, at });
      if (role === undefined) return;
      learned.delete(audited);
      learned.set(audited, { role, tag });
      const [oldest] = learned.keys();
      if (learned.size > mostLearned && oldest !== undefined) learned.delete(oldest);
    },
  });
  return {
    recordOf: async (role, since, ids) => {
      const reading = await log.read();
      seen.age(reading.now);
      const known = await ids();
      const uses = seen.since(since).flatMap((use) => {
        const told = learned.get(use.credentialId);
        const owners = ownersOf(use.credentialId, told, { role, known, installationId });
        return owners.map((owner) => ({ ...use, ...owner }));
      });
      return exactRecord(reading, since, byMinute(uses));
    },
  };
}

interface Owners {
  readonly role: Role;
  readonly known: readonly SecretId[];
  readonly installationId: string;
}

type Owner = Pick<ObservedUse, 'credentialId' | 'versionId'>;

/** One that carries nothing of rotor's may be any that does not: it counts for each of them. */
function ownersOf(audited: string, told: Learned | undefined, among: Owners): Owner[] {
  const { role, known } = among;
  const named = known.filter((id) => id.audited === audited);
  const found = named.length > 0 ? named : known.filter((id) => isToldOf(id, told, role));
  if (found.length === 0) return goneOwner(told, among);
  return found.map(({ accessor }) => ({ credentialId: accessor }));
}

/** Gone before this process began: a login that was accepted once told its tag. */
function goneOwner(told: Learned | undefined, { role, known, installationId }: Owners): Owner[] {
  if (told?.tag === undefined || told.role !== role.role) return [];
  const twin = known.find(({ tag }) => tag === told.tag);
  if (twin !== undefined) return [{ credentialId: twin.accessor }];
  const tag = readTag(told.tag, installationId);
  return tag.kind === 'ours' ? [{ credentialId: told.tag, versionId: tag.versionId }] : [];
}

function isToldOf({ tag, audited }: SecretId, told: Learned | undefined, { role }: Role): boolean {
  return told?.role === role && told.tag === tag && audited === undefined;
}

export interface Look {
  readonly now: Date;
  readonly since: Date;
  readonly tokens: readonly Token[];
  readonly ids: readonly SecretId[];
}

/** A login whose token ended between two looks is not in it. */
export function sampleTokens({ now, since, tokens, ids }: Look): UseRecord {
  const logins = tokens.flatMap(({ tag: used, issuedAt }) =>
    ids
      .filter(({ tag }) => tag === used)
      .map(({ accessor }) => ({ credentialId: accessor, lastAt: issuedAt })),
  );
  const accepted = { source: {}, outcome: 'accepted', count: 1 } as const;
  const uses = byMinute(logins.map((login) => ({ ...login, ...accepted })));
  return sampledRecord({ now, since: sinceLooks(since, now), uses, resolutionMs: 1_000 });
}

const Health = z.object({ server_time_utc: z.number() });

/** Asked otherwise, a server of a cluster that is not the active one answers with the status that elsewhere says "too many requests". */
export async function serverTime(bao: Bao): Promise<Date> {
  const { body } = await bao.ask({ method: 'GET', path: 'sys/health?standbyok=true' });
  const parsed = Health.safeParse(body);
  if (parsed.success) return new Date(parsed.data.server_time_utc * 1_000);
  throw new AdapterError('bad-reply', 'OpenBao does not tell its time');
}
