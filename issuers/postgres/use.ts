/** Records of use: exact from the server's log, or sampled from its sessions and from what its login trigger noted. */
import type { ObservedUse, UseRecord } from '../../domain/issuer.js';
import { exactRecord, sampledRecord, sinceLooks } from '../records.js';
import type { Administration } from './administration.js';
import type { ConnectionLog } from './connection-log.js';
import type { LoggedLogin } from './log-lines.js';
import { noteResolutionMs, readNotedLogins } from './login-trigger.js';
import { membersSessions } from './roles.js';
import type { SeenUses } from '../seen-uses.js';

interface Reading {
  readonly seen: SeenUses;
  readonly since: Date;
}

export function rememberLogin(seen: SeenUses, login: LoggedLogin): void {
  const { role: credentialId, application: name, ...rest } = login;
  if (name?.startsWith('rotor-probe') !== true) seen.add({ ...rest, credentialId, name });
}

export async function recordLogins({
  log,
  seen,
  since,
}: Reading & { log: ConnectionLog }): Promise<UseRecord> {
  const reading = await log.read();
  seen.age(reading.now);
  return exactRecord(reading, since, seen.since(since));
}

interface Sampling extends Reading {
  readonly server: Administration;
  readonly ownerRole: string;
}

/** Only what is open at this moment: a login that came and went between two looks is not in it. */
export async function sampleSessions(sampling: Sampling): Promise<UseRecord> {
  const { server, seen, since } = sampling;
  const [clock] = await server.query<{ now: Date }>('select clock_timestamp() as now');
  const now = clock?.now ?? new Date(0);
  await addSessions(sampling, now);
  return sampledRecord({
    now,
    since: sinceLooks(since, now),
    uses: seen.since(since),
    resolutionMs: 0,
  });
}

/** Sessions that are open, and logins of which the trigger tells: it sees none that is read-only. */
export async function sampleLogins(sampling: Sampling & { database: string }): Promise<UseRecord> {
  const { server, seen, since } = sampling;
  const { now, runningSince, uses } = await readNotedLogins(server, sampling);
  await addSessions(sampling, now);
  const begins = runningSince !== undefined && runningSince > since ? runningSince : undefined;
  return sampledRecord({
    now,
    since: runningSince === undefined ? sinceLooks(since, now) : begins,
    uses: joined([...uses, ...seen.since(since)]),
    resolutionMs: noteResolutionMs,
  });
}

async function addSessions(
  { server, seen, ownerRole }: Omit<Sampling, 'since'>,
  now: Date,
): Promise<void> {
  for (const { role, address, application } of await membersSessions(server, ownerRole))
    seen.add({ credentialId: role, address, name: application, outcome: 'accepted', at: now });
  seen.age(now);
}

/** A session and its login are one use of one minute. */
function joined(uses: readonly ObservedUse[]): ObservedUse[] {
  const byKey = new Map<string, ObservedUse>();
  for (const use of uses) {
    const { credentialId, source, minute } = use;
    const key = JSON.stringify([credentialId, source.address, source.name, minute]);
    const before = byKey.get(key);
    if (before === undefined || before.lastAt < use.lastAt) byKey.set(key, use);
  }
  return [...byKey.values()];
}
