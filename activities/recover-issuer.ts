/** Asks an issuer what it has of each secret, and makes the registry know it again. */
import { AdapterError, RotorError } from '../domain/errors.js';
import type { Credential, Issuer } from '../domain/issuer.js';
import type { IssuerRecovered, RecoveredRow, RecoveryOrder } from '../domain/recovery.js';
import { recordOrphan } from '../domain/steps/orphan.js';
import { recordMinted, recordRecovered } from '../domain/steps/recover.js';
import { recordGone } from '../domain/steps/revoke.js';
import type { SweptSecret } from '../domain/sweep/facts.js';
import { compareListing, isImplausible, type Compared } from '../domain/sweep/listed.js';
import { codeOf } from './failures.js';
import { inParallel } from '../domain/in-parallel.js';
import type { Ports } from './ports.js';

const batch = 500;
const atOnce = 8;

export interface IssuerRecovery {
  readonly order: RecoveryOrder;
  readonly issuer: string;
  readonly after: string | undefined;
}

interface Found {
  readonly secret: SweptSecret;
  readonly compared: Compared;
  /** Of versions that are still only named. */
  readonly minted: readonly (Credential & { readonly versionId: string })[];
}

/** The first failure ends it: an installation does not recover by halves. */
export async function recoverIssuer(
  ports: Ports,
  { order, issuer: name, after }: IssuerRecovery,
): Promise<IssuerRecovered> {
  const secrets = await ports.registry.sweeps.read({ after, limit: batch, issuer: name });
  const asked = await askAll(ports, name, secrets);
  if (typeof asked === 'string') return { secrets: 0, rows: [], failure: asked, next: undefined };
  const rows: RecoveredRow[] = [];
  await inParallel(asked, atOnce, async (found) => {
    rows.push(...(await recover(ports, order, found)));
  });
  rows.sort((a, b) => a.secret.localeCompare(b.secret));
  const next = secrets.length === batch ? secrets.at(-1)?.secretId : undefined;
  return { secrets: secrets.length, rows, failure: undefined, next };
}

/** Why it cannot be told what the issuer has; else what it has. */
async function askAll(
  ports: Ports,
  name: string,
  secrets: readonly SweptSecret[],
): Promise<string | readonly Found[]> {
  try {
    const issuer = ports.issuer(name);
    if (!issuer.traits.lists) return 'it does not list its credentials';
    const found: Found[] = [];
    await inParallel(secrets, atOnce, async (secret) => {
      found.push(await ask(ports, issuer, secret));
    });
    const compared = found.map((one) => one.compared);
    const isAlike = compared.some(({ lost }) => lost.length > 0);
    if (!isAlike && isImplausible(compared))
      return 'it lists nothing of what most secrets have: is it another one?';
    return found;
  } catch (error) {
    if (error instanceof AdapterError) return `${error.message} (${codeOf(error)})`;
    if (error instanceof RotorError) return error.message;
    throw error;
  }
}

async function ask(ports: Ports, issuer: Issuer, secret: SweptSecret): Promise<Found> {
  const { secretId, name, specification } = secret;
  const credentials = await issuer.list({ secretId, name, specification });
  const known = await ports.registry.sweeps.known({
    secret,
    credentialIds: credentials.map(({ credentialId }) => credentialId),
    versionIds: credentials.flatMap(({ tag }) => (tag.kind === 'ours' ? [tag.versionId] : [])),
  });
  const named = new Set(
    secret.versions.filter(({ state }) => state === 'pending').map(({ versionId }) => versionId),
  );
  const minted = credentials.flatMap((credential) => {
    const { tag } = credential;
    return tag.kind === 'ours' && named.has(tag.versionId)
      ? [{ ...credential, versionId: tag.versionId }]
      : [];
  });
  const compared = compareListing(secret, { credentials, traits: issuer.traits, ...known });
  return { secret, compared, minted };
}

/** What is gone first: then the newest of what is left can be the current one. */
async function recover(ports: Ports, order: RecoveryOrder, found: Found): Promise<RecoveredRow[]> {
  const rows: RecoveredRow[] = [];
  for (const part of [endGone, adoptLost, settleMinted, nameOrphans])
    rows.push(...(await part(ports, order, found)));
  return rows;
}

type Part = (ports: Ports, order: RecoveryOrder, found: Found) => Promise<readonly RecoveredRow[]>;

const endGone: Part = async ({ registry }, { dryRun }, { secret, compared }) => {
  const { secretId, name, versions } = secret;
  const rows: RecoveredRow[] = [];
  for (const versionId of compared.gone) {
    const { ordinal, credentialId = versionId } =
      versions.find((one) => one.versionId === versionId) ?? {};
    if (!dryRun) await registry.decideAlone(secretId, (now) => recordGone(now, versionId));
    rows.push({
      secret: name,
      what: 'gone',
      about: credentialId,
      told: `it was v${ordinal ?? '?'}`,
    });
  }
  return rows;
};

/** Whether this one became its version; a dry run only says so of the first. */
type Take = (versionId: string, decide: () => Promise<boolean>) => Promise<boolean>;

function takingFirst({ dryRun }: RecoveryOrder): Take {
  const taken = new Set<string>();
  return (versionId, decide) => {
    if (!dryRun) return decide();
    const isFirst = !taken.has(versionId);
    taken.add(versionId);
    return Promise.resolve(isFirst);
  };
}

const secondOne = {
  what: 'orphan',
  told: 'a second one of its version: the next sweep takes it in',
} as const;

const adoptLost: Part = async ({ registry }, order, { secret, compared }) => {
  const rows: RecoveredRow[] = [];
  const take = takingFirst(order);
  for (const credential of newestFirst(compared.lost)) {
    const { versionId, credentialId: about } = credential;
    const isTaken = await take(versionId, () =>
      registry.decideAlone(secret.secretId, (now) =>
        recordRecovered(now, { credential, versionId }),
      ),
    );
    const adopted = { what: 'adopted', told: 'its value is not known' } as const;
    rows.push({ secret: secret.name, about, ...(isTaken ? adopted : secondOne) });
  }
  return rows;
};

const settleMinted: Part = async ({ registry, store }, order, { secret, minted }) => {
  const rows: RecoveredRow[] = [];
  const take = takingFirst(order);
  for (const credential of newestFirst(minted)) {
    const { versionId, credentialId: about } = credential;
    const isSealed = (await store.get(versionId)) !== undefined;
    const isTaken = await take(versionId, () =>
      registry.decideAlone(secret.secretId, (now) =>
        recordMinted(now, { credential, versionId }, isSealed),
      ),
    );
    const told = isSealed ? 'its value is in the store' : 'its value is not known';
    const settled = { what: 'minted', told } as const;
    rows.push({ secret: secret.name, about, ...(isTaken ? settled : secondOne) });
  }
  return rows;
};

const nameOrphans: Part = async ({ registry, newId }, { dryRun }, { secret, compared }) => {
  for (const orphan of dryRun ? [] : compared.orphans)
    await registry.decideAlone(secret.secretId, (now) => recordOrphan(now, orphan, newId()));
  return compared.orphans.map(({ credentialId: about }) => ({
    secret: secret.name,
    what: 'orphan' as const,
    about,
    told: 'a second one of its version',
  }));
};

function newestFirst<C extends Pick<Credential, 'createdAt'>>(credentials: readonly C[]): C[] {
  const at = ({ createdAt }: Pick<Credential, 'createdAt'>): number => createdAt?.getTime() ?? 0;
  return [...credentials].sort((a, b) => at(b) - at(a));
}
