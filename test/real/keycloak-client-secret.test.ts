import { prepareClient, prepareRealm } from '../issuers/keycloak-subject.js';
import { ownTarget } from '../targets/client.js';
import { describeWholeLife } from './whole-life.js';

describeWholeLife(
  'keycloak-client-secret under a rotation policy, from the first day to a leak',
  async () => {
    const server = await ownTarget('keycloak');
    const realm = await prepareRealm(server.address, true);
    const { clientId, first, use } = await prepareClient(realm, { empty: false });
    return {
      issuer: () => ({ kind: 'keycloak-client-secret', ...realm.options }),
      specification: { clientId },
      first: () => Promise.resolve(first),
      use,
      restart: () => server.restart(),
      close: () => server.stop(),
    };
  },
  { keeps: true, shows: false },
);
