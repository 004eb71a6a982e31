/** Routes about who has a secret that nobody declared: asking for a look, and what it came to. */
import { noSuchSecret } from '../../domain/registry.js';
import { shownTo } from '../../domain/discover/told.js';
import type { DiscoveryRun } from '../../client/discovery.js';
import { secretIdOf } from '../../infra/registry/named-secret.js';
import { nameOf } from '../imagine.js';
import type { ApiParts } from '../parts.js';
import { route, type Call, type Route } from '../route.js';

const url = '/v1/secrets/:organization/:secret/discovery';

/** Where values lie is told to whoever may look for them: as with `identify`. */
export function discoveryRoutes(parts: ApiParts): Route[] {
  return [
    route({
      method: 'POST',
      url,
      right: 'contain',
      handle: async (call) => {
        const secretId = await idOf(parts, call);
        const asked = { ...nameOf(call.params), secretId, by: call.by.name };
        return shown(await parts.discovery.start(asked), call);
      },
    }),
    route({
      method: 'GET',
      url,
      right: 'contain',
      handle: async (call) => shown(await parts.discovery.run(await idOf(parts, call)), call),
    }),
  ];
}

async function idOf({ pool }: ApiParts, { params }: Call<unknown>): Promise<string> {
  const name = nameOf(params);
  const secretId = await secretIdOf(pool, name);
  if (secretId === undefined) throw noSuchSecret(name);
  return secretId;
}

function shown(run: DiscoveryRun, { by }: Call<unknown>): DiscoveryRun {
  const { told } = run;
  return { ...run, told: told && shownTo(told, by.organization) };
}
