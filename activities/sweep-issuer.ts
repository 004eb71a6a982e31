/** Asks an issuer what it has of each secret: unknown credentials, orphans, and what ended without rotor. */
import { AdapterError, isPassing, RotorError } from '../domain/errors.js';
import type { Finding } from '../domain/finding.js';
import type { Credential, Issuer } from '../domain/issuer.js';
import { recordOrphan } from '../domain/steps/orphan.js';
import { recordGone } from '../domain/steps/revoke.js';
import type { SweptSecret } from '../domain/sweep/facts.js';
import {
  compareListing,
  isImplausible,
  listedCodes,
  type Compared,
} from '../domain/sweep/listed.js';
import type { IssuerSwept } from '../domain/sweep/progress.js';
import { codeOf } from './failures.js';
import { inParallel } from '../domain/in-parallel.js';
import type { Ports } from './ports.js';
import { setBackBy } from './set-back.js';

const batch = 500;
const atOnce = 8;
/** An issuer that is away is not asked ten thousand times. */
const mostFailures = 3;

export interface IssuerSweep {
  readonly issuer: string;
  readonly after: string | undefined;
  /** In the batches before. */
  readonly failed: number;
  readonly implausible: boolean;
}

interface Asking {
  readonly ports: Ports;
  readonly issuer: Issuer;
  readonly answered: { readonly secret: SweptSecret; readonly compared: Compared }[];
  readonly failures: { readonly name: string; readonly code: string; readonly passing: boolean }[];
}

export async function sweepIssuer(ports: Ports, sweep: IssuerSweep): Promise<IssuerSwept> {
  const { sweeps } = ports.registry;
  const secrets = await sweeps.read({ after: sweep.after, limit: batch, issuer: sweep.issuer });
  const asking = openAsking(ports, sweep.issuer);
  const { answered } = asking;
  if ('issuer' in asking) await askAll(asking, secrets);
  const suspect = isImplausible(answered.map(({ compared }) => compared));
  await noticeLost(ports, sweep.issuer, answered);
  if ('issuer' in asking && !suspect) await act(asking);
  ports.reached('sweep:acted');
  const told = await sweeps.write({
    lookedAt: secrets[0]?.now ?? new Date(0),
    codes: listedCodes,
    secrets: answered.map(({ secret, compared }) => ({
      secretId: secret.secretId,
      findings: compared.findings,
    })),
  });
  const goesOn = secrets.length === batch && 'issuer' in asking && !hasGivenUp(asking);
  const next = goesOn ? secrets.at(-1)?.secretId : undefined;
  const ofIssuer = await tellOfIssuer({ ports, sweep, asking }, { suspect, isLast: !goesOn });
  return { secrets: answered.length, ...told, next, ...ofIssuer };
}

interface Answers {
  readonly ports: Ports;
  readonly sweep: IssuerSweep;
  readonly asking: Pick<Asking, 'failures' | 'answered'>;
}

/** What is wrong with the issuer itself, once per sweep. */
async function tellOfIssuer(
  { ports, sweep, asking: { failures, answered } }: Answers,
  { suspect, isLast }: { readonly suspect: boolean; readonly isLast: boolean },
): Promise<Pick<IssuerSwept, 'failed' | 'implausible'>> {
  const state = {
    failed: sweep.failed + failures.length,
    implausible: sweep.implausible || suspect,
  };
  if (failures.length > 0) await tellFailure(ports, sweep, failures);
  if (suspect) await tellSuspicion(ports, sweep, answered.length);
  if (isLast) await closeOwn(ports, sweep, state);
  return state;
}

async function noticeLost(
  { registry }: Ports,
  issuer: string,
  answered: Asking['answered'],
): Promise<void> {
  const [first] = answered.flatMap(({ secret, compared }) =>
    compared.lost.map(({ credentialId }) => ({ name: secret.name, credentialId })),
  );
  if (first !== undefined) await registry.recovery.noticeSetBack(setBackBy(issuer, first));
}

function askAll(asking: Asking, secrets: readonly SweptSecret[]): Promise<void> {
  const free = secrets.filter(({ busy }) => !busy);
  return inParallel(free, atOnce, (secret) => askFor(asking, secret));
}

/** One that is not configured any more is asked nothing; that is its finding. */
function openAsking(ports: Ports, name: string): Asking | Pick<Asking, 'failures' | 'answered'> {
  try {
    return { ports, issuer: ports.issuer(name), answered: [], failures: [] };
  } catch (error) {
    if (!(error instanceof RotorError)) throw error;
    return { answered: [], failures: [{ name, code: error.code, passing: true }] };
  }
}

function hasGivenUp({ failures }: Pick<Asking, 'failures'>): boolean {
  return failures.filter(({ passing }) => passing).length >= mostFailures;
}

async function askFor(asking: Asking, secret: SweptSecret): Promise<void> {
  if (hasGivenUp(asking)) return;
  const { ports, issuer, answered, failures } = asking;
  const { secretId, name, specification } = secret;
  try {
    const credentials = issuer.traits.lists
      ? await issuer.list({ secretId, name, specification })
      : [];
    answered.push({ secret, compared: await compare(ports, secret, { issuer, credentials }) });
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    const passing = isPassing(error.code);
    failures.push({ name, code: codeOf(error), passing });
  }
}

async function compare(
  { registry }: Ports,
  secret: SweptSecret,
  { issuer, credentials }: { readonly issuer: Issuer; readonly credentials: readonly Credential[] },
): Promise<Compared> {
  const own = new Set(secret.versions.map(({ credentialId }) => credentialId));
  const unknown = credentials.filter(({ credentialId }) => !own.has(credentialId));
  const nobody = { ofOthers: new Set<string>(), secretOf: new Map<string, string>() };
  const others =
    unknown.length === 0
      ? nobody
      : await registry.sweeps.known({
          secret,
          credentialIds: unknown.map(({ credentialId }) => credentialId),
          versionIds: unknown.flatMap(({ tag }) => (tag.kind === 'ours' ? [tag.versionId] : [])),
        });
  return compareListing(secret, { credentials, traits: issuer.traits, ...others });
}

/** What a run began meanwhile is that run's to see; what was listed before it began is not. */
async function act({ ports, answered }: Asking): Promise<void> {
  if (await ports.registry.sweeps.isRecovering()) return;
  const changed = answered.filter(
    ({ compared: { orphans, gone } }) => orphans.length + gone.length > 0,
  );
  const busy = await ports.registry.sweeps.busy(changed.map(({ secret }) => secret.secretId));
  const free = changed.filter(({ secret }) => !busy.has(secret.secretId));
  await inParallel(free, atOnce, async ({ secret: { secretId }, compared: { orphans, gone } }) => {
    for (const versionId of gone)
      await ports.registry.decideAlone(secretId, (facts) => recordGone(facts, versionId));
    for (const orphan of orphans)
      await ports.registry.decideAlone(secretId, (facts) =>
        recordOrphan(facts, orphan, ports.newId()),
      );
  });
}

async function closeOwn(
  { registry: { sweeps } }: Ports,
  { issuer: about }: IssuerSweep,
  { failed, implausible }: Pick<IssuerSwept, 'failed' | 'implausible'>,
): Promise<void> {
  if (failed === 0) await sweeps.writeOwn({ code: 'issuer-not-asked', about }, undefined);
  // Whoever did not answer for all has not taken it back either.
  if (failed === 0 && !implausible)
    await sweeps.writeOwn({ code: 'issuer-implausible', about }, undefined);
}

async function tellSuspicion(
  { registry: { sweeps }, warn }: Ports,
  { issuer: about }: IssuerSweep,
  secrets: number,
): Promise<void> {
  const message = `issuer ${about} no longer lists what most of ${secrets} secrets have: nothing was ended`;
  warn('an issuer is not to be believed', { issuer: about });
  const code = 'issuer-implausible';
  await sweeps.writeOwn({ code, about }, { code, about, message, evidence: { secrets } });
}

async function tellFailure(
  { registry, warn }: Ports,
  { issuer: about }: IssuerSweep,
  failures: Asking['failures'],
): Promise<void> {
  const codes = [...new Set(failures.map(({ code }) => code))].join(', ');
  const names = failures.map(({ name }) => name);
  const some = names.length > 3 ? `${names.slice(0, 3).join(', ')}, …` : names.join(', ');
  const message = `issuer ${about} did not answer for ${some} (${codes})`;
  warn('an issuer did not answer the sweep', { issuer: about, codes });
  const code = 'issuer-not-asked';
  const evidence = { codes, secrets: names.slice(0, 20) };
  const finding: Finding = { code, about, message, evidence };
  await registry.sweeps.writeOwn({ code, about }, finding);
}
