/** Logins by role, source, outcome and minute: exact from the server's log, or sampled from its sessions. */
import type { ObservedUse, UseOutcome, UseRecord, UseSource } from '../../domain/issuer.js';
import type { Administration } from './administration.js';
import type { ConnectionLog, LoggedLogin } from './connection-log.js';

/** What was seen so far; one reading of the log serves every secret of the server. */
export type SeenUses = Map<string, ObservedUse>;

interface Reading {
  readonly seen: SeenUses;
  readonly since: Date;
}

const keptMs = 40 * 86_400_000;

export async function recordLogins({
  log,
  seen,
  since,
}: Reading & { log: ConnectionLog }): Promise<UseRecord> {
  const { logins, completeThrough, gapAt } = await log.read();
  for (const login of logins.filter(
    ({ application }) => application?.startsWith('rotor-probe') !== true,
  )) {
    add(seen, useOf(login), login.at);
  }
  forgetOld(seen, completeThrough);
  return {
    kind: 'exact',
    completeThrough,
    continuousSince: gapAt,
    resolutionMs: 1,
    issuerNow: completeThrough,
    uses: usesSince(seen, since),
  };
}

/** Only what is open at this moment: a login that came and went between two looks is not in it. */
export async function sampleSessions({
  server,
  seen,
  ownerRole,
  since,
}: Reading & { server: Administration; ownerRole: string }): Promise<UseRecord> {
  const [clock] = await server.query<{ now: Date }>('select clock_timestamp() as now');
  const now = clock?.now ?? new Date(0);
  for (const session of await openSessions(server, ownerRole)) add(seen, useOf(session), now);
  forgetOld(seen, now);
  return {
    kind: 'sampled',
    completeThrough: now,
    continuousSince: undefined,
    resolutionMs: 0,
    issuerNow: now,
    uses: usesSince(seen, since),
  };
}

type OpenSession = Omit<LoggedLogin, 'at'>;

function openSessions(server: Administration, ownerRole: string): Promise<OpenSession[]> {
  return server.query<OpenSession>(
    `select usename as role, 'accepted' as outcome, host(client_addr) as address,
       application_name as application
     from pg_stat_activity
     where usename like $1 || '\\_%' and application_name not like 'rotor-probe%'`,
    [ownerRole.replaceAll(/[\\%_]/g, String.raw`\$&`)],
  );
}

interface Use {
  readonly role: string;
  readonly source: UseSource;
  readonly outcome: UseOutcome;
}

function useOf({ role, address, application, outcome }: OpenSession): Use {
  const source = {
    ...(address ? { address } : {}),
    ...(application ? { name: application } : {}),
  };
  return { role, source, outcome };
}

function add(seen: SeenUses, { role, source, outcome }: Use, at: Date): void {
  const minute = new Date(Math.floor(at.getTime() / 60_000) * 60_000);
  const key = JSON.stringify([role, source, outcome, minute]);
  const before = seen.get(key);
  const lastAt = before !== undefined && before.lastAt > at ? before.lastAt : at;
  seen.set(key, {
    credentialId: role,
    source,
    outcome,
    minute,
    lastAt,
    count: (before?.count ?? 0) + 1,
  });
}

function forgetOld(seen: SeenUses, now: Date): void {
  for (const [key, { lastAt }] of seen)
    if (now.getTime() - lastAt.getTime() > keptMs) seen.delete(key);
}

/** Whose roles they are is the registry's to say. */
function usesSince(seen: SeenUses, since: Date): ObservedUse[] {
  return [...seen.values()].filter(({ lastAt }) => lastAt >= since);
}
