/** Reads what an issuer saw, live, and records it: what the gate then decides on is never older than its call. */
import { AdapterError } from '../domain/errors.js';
import type { Facts } from '../domain/facts.js';
import type { LiveReading } from '../domain/gate.js';
import type { CredentialRef, UseRecord } from '../domain/issuer.js';
import { versionOf } from '../domain/progress.js';
import { issuedSecret, tagOf } from '../domain/steps/create.js';
import { useQuestion, type UseQuestion } from '../domain/steps/use-question.js';
import type { UseNews } from '../domain/registry.js';
import { together } from '../domain/together.js';
import { readOpenUse } from './open-use.js';
import type { Ports } from './ports.js';

interface Asked {
  readonly ports: Ports;
  readonly question: UseQuestion;
  readonly own: string | undefined;
}

/** A whole batch asks at once, and one reading tells all of them. */
const ask = together(readOnce, 1_000);

/** `own` is the dependency that the caller looks after itself: its first use is no news to the run. */
export function readUse(ports: Ports, question: UseQuestion, own?: string): Promise<void> {
  return ask(question.secret.secretId, { ports, question, own });
}

async function readOnce(asked: readonly Asked[]): Promise<undefined[]> {
  const [first] = asked;
  if (first === undefined) return [];
  const { ports, question } = first;
  const issuer = ports.issuer(question.issuer);
  const since = new Date(Math.min(...asked.map((one) => one.question.since.getTime())));
  const record = await issuer.observedUse?.(question.secret, since);
  if (record !== undefined) await recordAndTell(asked, first, { record, since });
  return asked.map(() => undefined);
}

interface Seen {
  readonly record: UseRecord;
  readonly since: Date;
}

async function recordAndTell(
  asked: readonly Asked[],
  { ports, question: { secret } }: Asked,
  { record, since }: Seen,
): Promise<void> {
  const { secretId } = secret;
  const news = await ports.registry.recordUse({ secretId, record, since });
  const own = new Set(asked.map((one) => one.own));
  // Told once, to whoever reads first; another batch of the run may be the one that waits for it.
  const [first] = news.filter((one) => concernsOthers(one, own));
  if (first !== undefined) await ports.tell(secretId, { what: first.what, by: 'run' });
}

function concernsOthers(
  { what, dependencyIds = [] }: UseNews,
  own: ReadonlySet<string | undefined>,
): boolean {
  return what === 'new-user' || (what === 'first-use' && dependencyIds.some((id) => !own.has(id)));
}
/** For whoever only wants to know: an issuer that does not answer leaves what is known as it is. */
export async function refreshUse(
  ports: Pick<Ports, 'issuer' | 'registry' | 'tell'>,
  facts: Facts,
): Promise<void> {
  const { issuer: name, secret, since } = useQuestion(facts);
  const { secretId } = secret;
  try {
    const record = await ports.issuer(name).observedUse?.(secret, since);
    if (record === undefined) return;
    const news = await ports.registry.recordUse({ secretId, record, since });
    for (const { what } of news) await ports.tell(secretId, { what, by: 'reader' });
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
  }
}

export function credentialRef(facts: Facts, versionId: string): CredentialRef | undefined {
  const version = versionOf(facts, versionId);
  if (version?.credentialId === undefined) return undefined;
  return {
    secret: issuedSecret(facts),
    versionId,
    credentialId: version.credentialId,
    tag: version.origin === 'minted' ? tagOf(facts, versionId) : undefined,
  };
}

/** What the gate is asked with. Containing waits for nothing: neither the record of use nor what is open matters to it. */
export async function readLive(
  ports: Ports,
  facts: Facts,
  versionId: string,
): Promise<LiveReading> {
  const ref = credentialRef(facts, versionId);
  if (facts.run.kind === 'compromise' || ref === undefined) return { openUse: undefined };
  await readUse(ports, useQuestion(facts));
  return readOpenUse({ issuer: ports.issuer(facts.secret.issuer), facts, ref });
}
