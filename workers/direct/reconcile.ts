/** Reads what was contained while rotor was down, and asks for what has to follow; many workers may do so at once. */
import { basename } from 'node:path';
import type pg from 'pg';
import { requestsOf, type DirectRequest } from '../../domain/direct.js';
import type { StartableRun } from '../../domain/run.js';
import type { SignedPlace } from '../../infra/direct/inventory-file.js';
import { archiveJournal, openJournals, type FoundJournal } from '../../infra/direct/journal.js';
import { codeOf } from '../../infra/error-code.js';
import type { AuditTrail } from '../../infra/registry/audit.js';
import { closeContained, takeUp, type Taken } from '../../infra/registry/contained-directly.js';
import { claimedRun } from '../../infra/registry/requests.js';

export interface ReconcileParts {
  readonly pool: pg.Pool;
  readonly audit: AuditTrail;
  readonly identity: string;
  readonly journals: SignedPlace;
  readonly start: (run: StartableRun) => Promise<unknown>;
  readonly warn: (message: string, about: Readonly<Record<string, unknown>>) => void;
}

/** The look of a worker's loop: it never fails, and says once what keeps it. */
export function reconciler(parts: ReconcileParts): () => Promise<void> {
  const told = new Map<string, string>();
  return async () => {
    try {
      await lookOnce(parts, told);
      told.delete(unread);
    } catch (error) {
      if (!told.has(unread)) parts.warn('journals could not be looked at', { code: codeOf(error) });
      told.set(unread, '');
    }
  };
}

const unread = '';

async function lookOnce(parts: ReconcileParts, told: Map<string, string>): Promise<void> {
  const found = openJournals(parts.journals);
  for (const { file, rest } of found) tellOnce(parts, told, { file, rest });
  const ready = found.filter(({ containment, over }) => containment !== undefined && over);
  const requests = requestsOf(ready.flatMap(({ containment }) => containment ?? []));
  for (const request of requests)
    await reconcile(parts, request, ready).then(
      () => told.delete(nameOf(request)),
      (error: unknown) => later(parts, told, { request, error }),
    );
  await closeContained(parts.pool);
}

/** What is not ours is not carried out, and stays where it is for a person to look at. */
function tellOnce(
  { warn }: ReconcileParts,
  told: Map<string, string>,
  { file, rest }: Pick<FoundJournal, 'file' | 'rest'>,
): void {
  if (rest !== 'changed' || told.has(file)) return;
  told.set(file, '');
  warn('a journal of containing was changed: what follows the change is ignored', {
    code: 'journal-changed',
    file: basename(file),
  });
}

/** One secret that cannot be asked for now holds up no other; told again where something else keeps it. */
function later(
  { warn }: ReconcileParts,
  told: Map<string, string>,
  { request, error }: { readonly request: DirectRequest; readonly error: unknown },
): void {
  const [code, secret] = [codeOf(error), nameOf(request)];
  if (told.get(secret) === code) return;
  told.set(secret, code);
  warn('what was contained directly could not be asked for yet', { code, secret });
}

function nameOf({ organization, secret }: DirectRequest): string {
  return `${organization}/${secret}`;
}

async function reconcile(
  parts: ReconcileParts,
  request: DirectRequest,
  ready: readonly FoundJournal[],
): Promise<void> {
  const { pool, audit, identity, start, warn } = parts;
  const taken = await takeUp({ pool, audit, claimant: identity }, request);
  if ('refused' in taken)
    warn('what was contained directly is not replaced', {
      code: taken.refused,
      secret: nameOf(request),
    });
  else {
    const run = await claimedRun(pool, taken.runId, identity);
    // Where Temporal is away, the row waits for the keeper.
    if (run !== undefined) await start(run).catch(() => undefined);
  }
  const those = new Set(request.containments.map(({ containmentId }) => containmentId));
  for (const { file, containment } of ready)
    if (containment !== undefined && those.has(containment.containmentId)) archive(file, taken);
}

function archive(file: string, taken: Taken): void {
  archiveJournal(file, { at: new Date().toISOString(), ...taken });
}
