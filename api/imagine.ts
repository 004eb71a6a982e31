/** The facts of a secret as a run would find them that nobody has asked for yet. */
import type { Facts } from '../domain/facts.js';
import { noSuchSecret, type ImaginedRequest, type SecretName } from '../domain/registry.js';
import type { ApiParts } from './parts.js';
import type { Call } from './route.js';

export function nameOf(params: Call<unknown>['params']): SecretName {
  return { organization: params['organization'] ?? '', secret: params['secret'] ?? '' };
}

export async function imagine(
  parts: ApiParts,
  name: SecretName,
  request: ImaginedRequest,
): Promise<Facts> {
  const facts = await parts.registry.imagine(name, request);
  if (facts === undefined) throw noSuchSecret(name);
  return facts;
}

/** With use as the issuer tells it now: where nothing happens to a secret, it is collected once a minute. */
export async function imagineLive(...asked: Parameters<typeof imagine>): Promise<Facts> {
  const [parts] = asked;
  await parts.refresh(await imagine(...asked));
  return imagine(...asked);
}
