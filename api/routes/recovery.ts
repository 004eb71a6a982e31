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
  const { dryRun, without, reason, setBackAt } = body;
  const { recovering } = await recoveryState(parts.pool);
  // Looking ends nothing.
  if (!dryRun && !recovering && setBackAt === undefined) throw notRecovering();
  const known = await parts.registry.sweeps.issuers();
  const problems = without
    .filter((name) => !known.includes(name))
    .map((name) => ({ path: '--without', message: `no secret has an issuer ${name}` }));
  if (problems.length === 0)
    return parts.recovery.start({ dryRun, without, reason: reason ?? '', by: by.name, setBackAt });
  throw new RotorError('body-invalid', 'the request is not what was expected', {
    kind: 'invalid',
    problems,
  });
}

/** A recovery ends runs: nobody ends those of an installation that is well by a slip of the hand. */
function notRecovering(): RotorError {
  return new RotorError('not-recovering', 'nothing says that the database was set back', {
    kind: 'conflict',
    hint: 'where it was all the same: --set-back-at TIME, when that was; runs that were asked for before end',
  });
}
