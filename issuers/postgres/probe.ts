/** One real login with a value: where the server lets nobody in from here, that is no word on the value. */
import { AdapterError, CredentialRefused } from '../../domain/errors.js';
import type { CredentialRef } from '../../domain/issuer.js';
import type { SecretValue } from '../../domain/secret-value.js';
import { sqlState, toAdapterError, type Administration } from './administration.js';
import { clientOf } from './connection.js';
import { ownRole } from './roles.js';

interface Shown {
  readonly value: SecretValue;
  readonly mark: string;
}

/** Under a name that the record of use leaves out. */
export async function probe(
  server: Administration,
  ref: CredentialRef,
  { value, mark }: Shown,
): Promise<void> {
  const url = reachedAs(urlOf(value, ref), server.url);
  try {
    await logIn(url, `rotor-probe ${mark}`.slice(0, 63));
  } catch (error) {
    // 28P01 wrong password, 28000 not permitted to log in; 3D000 and the like are no word on the password.
    if (!sqlState(error).startsWith('28')) throw toAdapterError(error);
    if (isOfPlace(error) && (await ownRole(server, ref.credentialId, undefined)) !== undefined)
      throw notFromHere(ref);
    throw new CredentialRefused();
  }
}

async function logIn(url: URL, application: string): Promise<void> {
  const client = clientOf(url, { application });
  try {
    await client.connect();
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** A value that is no URL of this role proves nothing about it. */
function urlOf(value: SecretValue, { credentialId }: CredentialRef): URL {
  try {
    const url = new URL(value.reveal());
    decodeURIComponent(url.pathname + url.password);
    if (decodeURIComponent(url.username) === credentialId) return url;
  } catch {
    // Said below, without the text.
  }
  throw new CredentialRefused();
}

const files = ['sslcert', 'sslkey', 'sslrootcert'];

/** Encrypted as the value says; where it says nothing of that, as rotor itself reaches the same server. Its files are on another machine. */
function reachedAs(value: URL, administration: URL): URL {
  const url = new URL(value);
  for (const name of files) url.searchParams.delete(name);
  const isSaid = ['ssl', 'sslmode'].some((name) => url.searchParams.has(name));
  if (!isSaid && withPort(url) !== withPort(administration)) return url;
  for (const name of isSaid ? ['sslrootcert'] : ['sslmode', 'uselibpqcompat', 'sslrootcert']) {
    const own = administration.searchParams.get(name);
    if (own !== null) url.searchParams.set(name, own);
  }
  return url;
}

function withPort({ hostname, port }: URL): string {
  return `${hostname}:${port === '' ? '5432' : port}`;
}

/** Refused by pg_hba.conf, before anybody looked at the password: the server names the function that said so, in every language. */
function isOfPlace(error: unknown): boolean {
  const routine =
    typeof error === 'object' && error !== null && 'routine' in error ? error.routine : undefined;
  return routine === 'ClientAuthentication';
}

function notFromHere({ credentialId }: CredentialRef): AdapterError {
  return new AdapterError(
    'refused',
    `pg_hba.conf of the server does not let ${credentialId} in from where rotor is, or not without TLS ` +
      '(sslmode of the specification): whether its password is right cannot be told',
  );
}
