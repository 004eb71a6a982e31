/** Routes about an installation whose database was set back: how it stands, and mending it. */
import { RotorError } from '../../domain/errors.js';
import { recoveryState } from '../../infra/registry/recovery.js';
import { RecoveryBody } from '../../schemas/requests.js';
import { demandInstallation } from '../access.js';
import type { ApiParts } from '../parts.js';
import { route, type Call, type Route } from '../route.js';

export function recoveryRoutes(parts: ApiParts): Route[] {
  return [
    route({
      method: 'GET',
      url: '/v1/recovery',
      right: 'administer',
      handle: async ({ by }) => {
        demandInstallation(by, 'a recovery is of the whole installation');
        const [state, run] = await Promise.all([recoveryState(parts.pool), parts.recovery.run()]);
        return { ...state, ...run };
      },
    }),
    route({
      method: 'POST',
      url: '/v1/recovery',
      right: 'administer',
      body: RecoveryBody,
      handle: (call) => start(parts, call),
    }),
  ];
}

async function start(parts: ApiParts, { body, by }: Call<RecoveryBody>): Promise<unknown> {
  demandInstallation(by, 'a recovery is of the whole installation');
  const { dryRun, without, reason } = body;
  const known = await parts.registry.sweeps.issuers();
  const problems = without
    .filter((name) => !known.includes(name))
    .map((name) => ({ path: '--without', message: `no secret has an issuer ${name}` }));
  if (problems.length === 0)
    return parts.recovery.start({ dryRun, without, reason: reason ?? '', by: by.name });
  throw new RotorError('body-invalid', 'the request is not what was expected', {
    kind: 'invalid',
    problems,
  });
}
