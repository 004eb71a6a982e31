/** Revokes at the issuer by its adapter alone, one credential after the other; each call is on record before it is made. */
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { DirectOrder, DirectOutcome, DirectResult } from '../../client/cli/contain.js';
import { targetsOf, type DirectScope, type KnownSecret, type Target } from '../../domain/direct.js';
import { AdapterError, isPassing } from '../../domain/errors.js';
import type { Credential, CredentialRef, IssuedSecret, Issuer } from '../../domain/issuer.js';
import type { SignedPlace } from '../../infra/direct/inventory-file.js';
import { beginJournal, type Journal, type Noted } from '../../infra/direct/journal.js';
import { versionText } from './version-text.js';

export interface Containing {
  readonly known: KnownSecret;
  readonly issuer: Issuer;
  readonly secret: IssuedSecret;
  readonly targets: readonly Target[];
  readonly scope: DirectScope;
  readonly installationId: string;
  readonly listedBefore: readonly Credential[] | undefined;
  readonly journals: SignedPlace;
  readonly reached: (point: string) => void;
}

/** What a minting worker made meanwhile is ended too; it cannot go on for ever. */
const rounds = 3;

export async function containAll(
  containing: Containing,
  { reason, by, told }: DirectOrder,
): Promise<DirectResult> {
  const record = openRecord(() => begin(containing, reason, by));
  const outcomes = new Map<string, DirectOutcome>();
  let targets = containing.targets;
  let notListedAgain: string | undefined;
  for (let round = 1; round <= rounds && targets.length > 0; round += 1) {
    for (const target of targets) {
      const outcome = await containOne(containing, target, record);
      outcomes.set(target.credentialId, outcome);
      told(outcome);
    }
    const since = await newSince(containing);
    targets = since.targets.filter(({ credentialId }) => !outcomes.has(credentialId));
    notListedAgain = since.failure;
  }
  record.note({ line: 'ended' });
  return {
    outcomes: [...outcomes.values()],
    left: targets.map(({ credentialId }) => credentialId),
    notListedAgain,
    journal: record.file(),
  };
}

function begin(containing: Containing, reason: string, by: string | undefined): Journal {
  const { known, scope, journals } = containing;
  const { secretId, organization, name: secret } = known;
  const account = accountName();
  const versionIds = scope === 'all' ? undefined : namedVersions(known, scope.ordinal);
  return beginJournal(journals, {
    ...{ containmentId: randomUUID(), secretId, organization, secret, reason },
    ...{ by: by ?? account, account },
    ...(versionIds === undefined ? {} : { versionIds }),
  });
}

/** Also one whose credential nobody knows: the run that follows finds it. */
function namedVersions({ versions }: KnownSecret, wanted: number): string[] {
  return versions.filter(({ ordinal }) => ordinal === wanted).map(({ versionId }) => versionId);
}

/** A user id without an account is no reason to fail now. */
function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

interface OnRecord {
  note(line: Noted): void;
  /** Undefined once something could not be written. */
  file(): string | undefined;
}

/** A leak is contained also where the disk is full: then it is said that nothing is on record. */
function openRecord(open: () => Journal): OnRecord {
  let journal: Journal | undefined;
  const unlessLost = (work: () => void): void => {
    try {
      work();
    } catch {
      journal = undefined;
    }
  };
  unlessLost(() => (journal = open()));
  return {
    note: (line) => unlessLost(() => journal?.note(line)),
    file: () => journal?.file,
  };
}

async function containOne(
  containing: Containing,
  target: Target,
  record: OnRecord,
): Promise<DirectOutcome> {
  const { credentialId, versionId } = target;
  const about = { credentialId, versionId };
  const version = versionText(target);
  const began = performance.now();
  const sinceBegan = (): number => Math.round(performance.now() - began);
  record.note({ line: 'calling', ...about });
  try {
    await revoke(containing, target);
    const ms = sinceBegan();
    const how = wasGone(containing, credentialId) ? 'gone-already' : 'revoked';
    containing.reached('contain:called');
    record.note({ line: 'gone', ...about, how, ms });
    const unproven = containing.issuer.traits.lists ? {} : { unproven: true };
    return { version, credentialId, outcome: how, ms, ...unproven };
  } catch (error) {
    const { code, message, passing } = failureOf(error);
    record.note({ line: 'failed', ...about, code });
    const failed = { outcome: 'failed', ms: sinceBegan(), code, message, passing } as const;
    return { version, credentialId, ...failed };
  }
}

async function revoke({ issuer, secret }: Containing, target: Target): Promise<void> {
  const { credentialId, versionId, tag } = target;
  const ref: CredentialRef = { secret, versionId, credentialId, tag };
  await issuer.revoke(ref);
  await issuer.endOpenUse?.(ref);
  await proveGone(issuer, ref);
}

const lookAgainMs = 250;
const patienceMs = 5_000;

/** Its value is sealed in the database: that it is no longer listed is the proof there is. */
async function proveGone(issuer: Issuer, { secret, credentialId }: CredentialRef): Promise<void> {
  if (!issuer.traits.lists) return;
  const stop = Date.now() + issuer.traits.propagationMs + patienceMs;
  for (;;) {
    const listed = await issuer.list(secret);
    if (!listed.some((one) => one.credentialId === credentialId)) return;
    if (Date.now() > stop)
      throw new AdapterError('busy', 'the issuer still lists the revoked credential');
    await pause(lookAgainMs);
  }
}

function wasGone({ listedBefore }: Containing, credentialId: string): boolean {
  return listedBefore?.every((one) => one.credentialId !== credentialId) === true;
}

/** Never another's text. */
function failureOf(error: unknown): { code: string; message: string; passing: boolean } {
  if (!(error instanceof AdapterError))
    return { code: 'unexpected', message: 'something unexpected happened', passing: false };
  return { code: error.code, message: error.message, passing: isPassing(error.code) };
}

interface NewSince {
  readonly targets: readonly Target[];
  readonly failure?: string;
}

async function newSince(containing: Containing): Promise<NewSince> {
  const { issuer, secret, known, scope, installationId } = containing;
  if (scope !== 'all' || !issuer.traits.lists) return { targets: [] };
  try {
    const listed = await issuer.list(secret);
    return { targets: targetsOf(known, { installationId, scope, listed }) };
  } catch (error) {
    return { targets: [], failure: failureOf(error).message };
  }
}
