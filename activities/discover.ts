/** Looks for a secret's values where nobody declared them, and for users whom nobody declared. Values stay in here. */
import {
  copiesOf,
  findingsOf,
  isOver,
  recordOf,
  usersOf,
  type Discovered,
} from '../domain/discover/judge.js';
import type { DiscoveryOrder, DiscoveryTold } from '../domain/discover/told.js';
import { AdapterError } from '../domain/errors.js';
import { noSuchSecret } from '../domain/registry.js';
import { useQuestion } from '../domain/steps/use-question.js';
import type { SweptSecret } from '../domain/sweep/facts.js';
import { undeclaredUse } from '../domain/sweep/use.js';
import { within } from './deadline.js';
import type { Ports } from './ports.js';
import { openSearch } from './search.js';
import { readUse } from './use.js';

const longestMs = 300_000;
/** More than people read; the answer is kept in a history. */
const mostTold = 200;

export async function discover(ports: Ports, order: DiscoveryOrder): Promise<DiscoveryTold> {
  const { secretId, notAsked } = await readUseNow(ports, order);
  const secret = await readSecret(ports, secretId, order);
  const { recognize, known } = await ports.discovery.recognizer(secretId);
  const search = openSearch({ ports, recognize, signal: within(longestMs) });
  const destinations = await search.lookAtDestinations();
  for (const place of ports.discovery.places()) await search.lookAt(place);
  const found: Discovered = { secret, destinations, ...search.found };
  const { users, findings: ofUse } = usersOf(secret);
  const copies = findingsOf(found);
  await ports.registry.sweeps.write({
    lookedAt: secret.now,
    codes: [undeclaredUse.code],
    secrets: [{ secretId, findings: [...ofUse, ...copies], settled: isOver(found, copies) }],
  });
  return {
    secret: secret.name,
    record: notAsked ?? recordOf(secret),
    users: users.slice(0, mostTold),
    looked: search.looked,
    valueUnknown: secret.versions
      .filter(({ state, endedCause }) => state !== 'pending' && endedCause !== 'never-minted')
      .filter(({ versionId }) => !known.has(versionId))
      .map(({ ordinal }) => `v${ordinal}`),
    ...limited(copiesOf(found), found.passedOver),
  };
}

type Limited = Pick<DiscoveryTold, 'copies' | 'furtherCopies' | 'passedOver' | 'furtherPassedOver'>;

function limited(
  copies: DiscoveryTold['copies'],
  passedOver: DiscoveryTold['passedOver'],
): Limited {
  return {
    copies: copies.slice(0, mostTold),
    furtherCopies: Math.max(0, copies.length - mostTold),
    passedOver: passedOver.slice(0, mostTold),
    furtherPassedOver: Math.max(0, passedOver.length - mostTold),
  };
}

/** As the issuer tells it now; what it told before is used where it does not answer, and that is said. */
async function readUseNow(
  ports: Ports,
  order: DiscoveryOrder,
): Promise<{ readonly secretId: string; readonly notAsked: string | undefined }> {
  const imagined = { kind: 'rotate', options: {}, by: 'discovery' } as const;
  const facts = await ports.registry.imagine(order, imagined);
  if (facts === undefined) throw noSuchSecret(order);
  const { secretId, issuer } = facts.secret;
  try {
    await readUse(ports, useQuestion(facts));
    return { secretId, notAsked: undefined };
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    const notAsked = `${issuer} did not answer: ${error.message}; what it told before is shown`;
    return { secretId, notAsked };
  }
}

async function readSecret(
  { registry: { sweeps } }: Ports,
  secretId: string,
  order: DiscoveryOrder,
): Promise<SweptSecret> {
  const [secret] = await sweeps.read({ after: undefined, limit: 1, secretId });
  if (secret === undefined) throw noSuchSecret(order);
  return secret;
}
