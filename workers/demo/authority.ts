/** The authority of the demo as its owner and its users know it: clients made by hand, and who may log in with what. */
import { readSecret } from '../stack/first-start.js';

/** Where it is, and where its owner's token lies. */
export interface AuthorityPlace {
  readonly stateFolder: string;
  readonly url: string;
}

export interface Client {
  readonly clientId: string;
  readonly oldValue: string;
}

/** Calls the authority as its owner does. */
export async function authority<T>(
  { url, stateFolder }: AuthorityPlace,
  path: string,
  body?: unknown,
): Promise<T> {
  const response = await fetch(`${url}/authority/v1${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${readSecret(stateFolder, 'authority-token')}`,
      'content-type': 'application/json',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (await response.json()) as T;
}

/** A client with one credential that rotor knows nothing of. */
export async function makeByHand(
  place: AuthorityPlace,
  { name, role }: { readonly name: string; readonly role: string },
): Promise<Client> {
  const client = { secretKey: `made-by-hand-${name}`, name: `acme/${name}` };
  const { clientId } = await authority<{ clientId: string }>(place, '/clients', client);
  const expiresAt = new Date(Date.now() + 300 * 86_400_000).toISOString();
  const path = `/clients/${clientId}/credentials`;
  const { value } = await authority<{ value: string }>(place, path, { role, expiresAt });
  return { clientId, oldValue: value };
}

export async function credentialsOf(place: AuthorityPlace, clientId: string): Promise<string[]> {
  const path = `/clients/${clientId}/credentials`;
  const listed = await authority<{ credentialId: string }[]>(place, path);
  return listed.map(({ credentialId }) => credentialId);
}

export interface Attempted {
  readonly clientId: string;
  readonly value: string;
  readonly userAgent: string;
}

/** Whether the authority takes the value, and what it says: refused is not the same as no answer. */
export async function tryValue(
  { url }: Pick<AuthorityPlace, 'url'>,
  { clientId, value, userAgent }: Attempted,
): Promise<'accepted' | 'refused' | 'lost'> {
  try {
    const response = await fetch(`${url}/oauth/token`, {
      method: 'POST',
      headers: { 'user-agent': userAgent },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: clientId,
        client_secret: value,
      }),
      signal: AbortSignal.timeout(3_000),
    });
    await response.arrayBuffer();
    if (response.ok) return 'accepted';
    return response.status === 401 ? 'refused' : 'lost';
  } catch {
    return 'lost';
  }
}
