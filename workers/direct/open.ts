/** Opens what containing needs without any server of rotor's: rotor.yaml, the key file, the inventory, the issuer. */
import type { Direct, DirectAsked, DirectPreview } from '../../client/cli/contain.js';
import { ageInWords } from '../../domain/duration.js';
import {
  leftAlone,
  targetsOf,
  type DirectScope,
  type KnownSecret,
  type Target,
} from '../../domain/direct.js';
import { AdapterError, isPassing, RotorError } from '../../domain/errors.js';
import type { Credential, IssuedSecret, Issuer } from '../../domain/issuer.js';
import {
  inventoryPurpose,
  readInventory,
  staleAfterMs,
  type Inventory,
} from '../../infra/direct/inventory-file.js';
import { journalPurpose } from '../../infra/direct/journal.js';
import { readKeyFile } from '../../infra/key-file.js';
import { killPoint } from '../kill-point.js';
import { issuersOf, type Parts } from '../parts.js';
import { readFiles, type FileSettings } from '../settings.js';
import { containAll, type Containing } from './contain.js';
import { versionText } from './version-text.js';

export async function openDirect(asked: DirectAsked): Promise<Direct> {
  const settings = readFiles(process.env);
  const { stateFolder } = settings;
  const keys = readKeyFile(settings.keyFile);
  const inventory = readInventory({ stateFolder, key: keys.derive(inventoryPurpose) });
  const known = findKnown(inventory, asked);
  const scope = scopeOf(asked.version);
  const { installationId } = inventory;
  const issuer = openIssuer(settings, { installationId, keys, name: known.issuer });
  const secret = issuedSecret(known);
  const listed = await tryToList(issuer, secret);
  const credentials = 'credentials' in listed ? listed.credentials : undefined;
  const looked = { installationId, scope, listed: credentials };
  const targets = targetsOf(known, looked);
  const containing: Containing = {
    ...{ known, issuer, secret, targets, scope, installationId },
    listedBefore: credentials,
    journals: { stateFolder, key: keys.derive(journalPurpose) },
    reached: killPoint(process.env),
  };
  return {
    preview: previewOf({ inventory, known, listed, targets }),
    contain: (order) => containAll(containing, order),
  };
}

function findKnown(inventory: Inventory, { organization, secret }: DirectAsked): KnownSecret {
  const found = inventory.secrets.find(
    (one) => one.organization === organization && one.name === secret,
  );
  if (found !== undefined) return found;
  const age = ageInWords(Date.now() - inventory.writtenAt.getTime());
  throw new RotorError(
    'no-such-secret',
    `the inventory knows no secret ${organization}/${secret}`,
    {
      kind: 'missing',
      hint: `it is ${age} old; what is newer is revoked at the issuer itself`,
    },
  );
}

function scopeOf(version: string): DirectScope {
  if (version === 'all') return 'all';
  const ordinal = /^v?([1-9]\d{0,8})$/.exec(version)?.[1];
  if (ordinal !== undefined) return { ordinal: Number(ordinal) };
  throw new RotorError('usage-invalid', `"${version}" is no version`, {
    kind: 'invalid',
    hint: '--version v3, or --version all',
  });
}

function openIssuer(
  settings: FileSettings,
  { name, ...of }: Pick<Parts, 'installationId' | 'keys'> & { readonly name: string },
): Issuer {
  try {
    return issuersOf(settings, of)(name);
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    throw new RotorError('issuer-failed', `issuer ${name} cannot be opened: ${error.message}`, {
      kind: isPassing(error.code) ? 'unavailable' : 'failed',
      hint: "see its options in rotor.yaml; else revoke at the issuer's own console",
    });
  }
}

function issuedSecret({ secretId, organization, name, specification }: KnownSecret): IssuedSecret {
  return { secretId, name: `${organization}/${name}`, specification };
}

type Listed = { readonly credentials: readonly Credential[] } | { readonly failure: string };

/** What is known is contained all the same, where the issuer does not say what it has. */
async function tryToList(issuer: Issuer, secret: IssuedSecret): Promise<Listed> {
  if (!issuer.traits.lists) return { failure: 'this kind of issuer cannot' };
  try {
    return { credentials: await issuer.list(secret) };
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    return { failure: error.message };
  }
}

interface Seen {
  readonly inventory: Inventory;
  readonly known: KnownSecret;
  readonly listed: Listed;
  readonly targets: readonly Target[];
}

function previewOf({ inventory, known, listed, targets }: Seen): DirectPreview {
  const { writtenAt } = inventory;
  const ageMs = Date.now() - writtenAt.getTime();
  const { organization, name, owner, issuer, dependents } = known;
  return {
    secret: `${organization}/${name}`,
    owner,
    issuer,
    inventory: { writtenAt, age: ageInWords(ageMs), stale: ageMs > staleAfterMs },
    ends: targets.map((target) => ({
      version: versionText(target),
      credentialId: target.credentialId,
    })),
    breaks: dependents,
    leftAlone: 'credentials' in listed ? leftAlone(listed.credentials, targets) : [],
    notListed: 'failure' in listed ? listed.failure : undefined,
  };
}
