/** Routes about notifications: how they fare, and trying one out. */
import type { Principal } from '../../infra/registry/access-tokens.js';
import { RotorError } from '../../domain/errors.js';
import { formerRoutes, routeStates, testRoute } from '../../infra/registry/routes.js';
import { demandInstallation } from '../access.js';
import type { ApiParts } from '../parts.js';
import { route, type Route } from '../route.js';

/** A slow receiver has the time that a channel may take at most by default, and a worker its moment. */
const testWithinMs = 20_000;

export function notificationRoutes(parts: ApiParts): Route[] {
  return [
    route({
      method: 'GET',
      url: '/v1/notifications',
      right: 'administer',
      handle: async ({ by }) => {
        refuseOne(by);
        const { pool, notificationRoutes: names } = parts;
        return [...(await routeStates(pool, names)), ...(await formerRoutes(pool, names))];
      },
    }),
    route({
      method: 'POST',
      url: '/v1/notifications/:route/test',
      right: 'administer',
      handle: async ({ params, by }) => {
        refuseOne(by);
        const name = params['route'] ?? '';
        if (!parts.notificationRoutes.includes(name)) throw noSuchRoute(parts, name);
        return testRoute(parts.pool, { route: name, by: by.name, withinMs: testWithinMs });
      },
    }),
  ];
}

/** Routes are the installation's. */
function refuseOne(by: Principal): void {
  demandInstallation(by, "routes are the installation's");
}

function noSuchRoute({ notificationRoutes: names }: ApiParts, name: string): RotorError {
  const known = names.length === 0 ? 'there are none' : `there: ${names.join(', ')}`;
  return new RotorError('no-such-route', `there is no route ${name} (${known})`, {
    kind: 'missing',
    hint: 'notifications.routes in rotor.yaml lists them (docs/notifications.md)',
  });
}
