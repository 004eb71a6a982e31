/** Makes a credential that is older than rotor a version, with its value where somebody knows it. */
import { AdapterError, CredentialRefused, RotorError } from '../domain/errors.js';
import type { Facts } from '../domain/facts.js';
import type { Credential, Issuer } from '../domain/issuer.js';
import { noSuchSecret, type SecretName } from '../domain/registry.js';
import type { SecretValue } from '../domain/secret-value.js';
import { issuedSecret } from '../domain/steps/create.js';
import type { Ports } from './ports.js';

export interface AdoptRequest extends SecretName {
  /** Needed where the issuer lists several that rotor does not know. */
  readonly credentialId: string | undefined;
  readonly value: SecretValue | undefined;
  readonly by: string;
}

export interface Adopted {
  readonly ordinal: number;
  readonly credentialId: string;
  readonly value: 'sealed' | 'unknown';
}

interface AdoptPorts extends Pick<Ports, 'registry' | 'store' | 'issuer' | 'newId' | 'reached'> {
  /** The same for the same credential, always: what a killed attempt has sealed, the next one finds. */
  adoptedId(secretId: string, credentialId: string): string;
}

/**
 * The value is sealed under the version's id before anything else knows of it, and only accepted when
 * the issuer accepts it. Called by the API: the value arrives there and goes nowhere else.
 */
export async function adopt(ports: AdoptPorts, request: AdoptRequest): Promise<Adopted> {
  const facts = await ports.registry.imagine(request, {
    kind: 'rotate',
    options: {},
    by: request.by,
  });
  if (facts === undefined) throw noSuchSecret(request);
  const issuer = ports.issuer(facts.secret.issuer);
  const credential = choose(facts, await listed(issuer, facts), request.credentialId);
  const known = facts.versions.find((v) => v.credentialId === credential.credentialId);
  const versionId =
    known?.versionId ?? ports.adoptedId(facts.secret.secretId, credential.credentialId);
  const value = request.value === undefined ? 'unknown' : 'sealed';
  if (request.value !== undefined) {
    await prove({ ports, issuer, facts }, { versionId, credential, value: request.value });
    await ports.store.put(versionId, request.value);
  }
  ports.reached('adopt:sealed');
  const { credentialId, expiresAt } = credential;
  const { secretId } = facts.secret;
  const { ordinal } = await ports.registry.adopt({
    secretId,
    versionId,
    credentialId,
    value,
    expiresAt,
    by: request.by,
  });
  return { ordinal, credentialId, value };
}

function listed(issuer: Issuer, facts: Facts): Promise<readonly Credential[]> {
  if (issuer.traits.lists) return issuer.list(issuedSecret(facts));
  throw new RotorError('not-listed', 'the issuer does not list its credentials', {
    kind: 'conflict',
  });
}

/** The named one, or the only one that rotor has no value of. */
function choose(
  facts: Facts,
  credentials: readonly Credential[],
  asked: string | undefined,
): Credential {
  const known = new Set(
    facts.versions.filter(({ value }) => value !== 'unknown').map((v) => v.credentialId),
  );
  const open = credentials.filter(({ credentialId }) =>
    asked === undefined ? !known.has(credentialId) : credentialId === asked,
  );
  const [only, ...more] = open;
  if (only !== undefined && more.length === 0) return only;
  const names = credentials.map(({ credentialId }) => credentialId).join(', ') || 'none';
  if (asked !== undefined && open.length === 0)
    throw new RotorError('no-such-credential', `the issuer lists no credential ${asked} of it`, {
      kind: 'missing',
      hint: `it lists: ${names}`,
    });
  const message = `${open.length} credentials could be meant`;
  throw new RotorError('credential-ambiguous', message, {
    kind: 'conflict',
    hint: `--credential ID, one of: ${names}`,
  });
}

interface Place {
  readonly ports: AdoptPorts;
  readonly issuer: Issuer;
  readonly facts: Facts;
}

interface Claim {
  readonly versionId: string;
  readonly credential: Credential;
  readonly value: SecretValue;
}

async function prove(
  { ports, issuer, facts }: Place,
  { versionId, credential, value }: Claim,
): Promise<void> {
  const { credentialId } = credential;
  const ref = { secret: issuedSecret(facts), versionId, credentialId, tag: undefined };
  try {
    await issuer.verify(ref, value, ports.newId());
  } catch (error) {
    if (error instanceof CredentialRefused) {
      const hint = 'is it the value of this credential, complete and without line breaks?';
      throw new RotorError('value-refused', 'the issuer refuses this value', {
        kind: 'invalid',
        hint,
      });
    }
    if (error instanceof AdapterError) {
      throw new RotorError('issuer-failed', error.message, { kind: 'unavailable' });
    }
    throw error;
  }
}
