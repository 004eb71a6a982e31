/** One search through all places for what is recognized: what it met, what it passed over, how far it came. */
import { candidatesOf, candidatesOfName } from '../domain/discover/candidates.js';
import type { Discovered, Met } from '../domain/discover/judge.js';
import type {
  KnownDestination,
  Looking,
  Place,
  Recognize,
  Spot,
} from '../domain/discover/place.js';
import type { DiscoveryTold, PassedOver } from '../domain/discover/told.js';
import { AdapterError, RotorError } from '../domain/errors.js';
import { inParallel } from '../domain/in-parallel.js';
import type { Ports } from './ports.js';

const mostDestinations = 5_000;
const mostMet = 10_000;
const atOnce = 8;
/** After so many texts others have their turn. */
const restEvery = 500;
const hidden = '[value]';

export interface Search {
  readonly found: Pick<Discovered, 'met' | 'passedOver' | 'covered' | 'read'>;
  readonly looked: DiscoveryTold['looked'];
  lookAtDestinations(): Promise<readonly KnownDestination[]>;
  lookAt(place: Place): Promise<void>;
}

interface Seeking {
  readonly ports: Ports;
  readonly recognize: Recognize;
  readonly signal: AbortSignal;
}

interface Found {
  readonly met: Met[];
  readonly passedOver: PassedOver[];
  readonly covered: string[];
  readonly read: string[];
}

export function openSearch(seeking: Seeking): Search {
  const found: Found = { met: [], passedOver: [], covered: [], read: [] };
  const looked: { place: string; told: string }[] = [];
  const looking = lookingFor(seeking, found);
  const { ports } = seeking;
  return {
    found,
    looked,
    async lookAtDestinations() {
      const all = await ports.discovery.destinations(mostDestinations + 1);
      const destinations = all.slice(0, mostDestinations);
      if (all.length > mostDestinations)
        looking.passedOver('', `there are more than ${mostDestinations} destinations`);
      await inParallel(destinations, atOnce, async (one) => {
        if (await readDestination(ports, one, looking))
          found.read.push(one.identity, one.destinationId);
      });
      looked.push({ place: 'destinations of rotor', told: `${destinations.length}` });
      return destinations;
    },
    async lookAt(place) {
      try {
        looked.push({ place: place.name, told: await place.look(looking) });
        found.covered.push(place.covers);
      } catch (error) {
        if (!(error instanceof AdapterError)) throw error;
        looking.passedOver(place.covers, error.message);
      }
    },
  };
}

function lookingFor({ recognize, signal }: Seeking, found: Found): Looking {
  let count = 0;
  const seen = new Set<string>();
  const note = (one: Met): void => {
    const { identity, detail = '' } = one.spot;
    const key = JSON.stringify([one.versionId, identity, detail]);
    if (seen.has(key) || found.met.length >= mostMet) return;
    seen.add(key);
    found.met.push(one);
  };
  return {
    signal,
    passedOver: (where, why) =>
      void found.passedOver.push({ where: withoutValues(where, recognize), why }),
    async met(spot: Spot, text: string) {
      for (const candidate of candidatesOf(text)) {
        const versionId = recognize(candidate.text);
        if (versionId !== undefined)
          note({ spot: shown(spot, recognize, candidate.text), versionId, whole: candidate.whole });
        count += 1;
        if (count % restEvery === 0) await new Promise(setImmediate);
      }
    },
  };
}

/** A name may hold a value, too: of a file, or of a field. Such a place cannot be declared. */
function shown(spot: Spot, recognize: Recognize, met: string): Spot {
  const identity = withoutValues(spot.identity.replaceAll(met, hidden), recognize);
  if (identity === spot.identity) return spot;
  return { identity, ...(spot.detail === undefined ? {} : { detail: spot.detail }) };
}

function withoutValues(name: string, recognize: Recognize): string {
  const values = [...candidatesOfName(name)].filter(({ text }) => recognize(text) !== undefined);
  return values.reduce((text, value) => text.replaceAll(value.text, hidden), name);
}

/** With nothing known every entry comes back as unknown, and is recognized here. */
async function readDestination(
  ports: Ports,
  { destinationId, connector, identity, address }: KnownDestination,
  looking: Looking,
): Promise<boolean> {
  if (looking.signal.aborted) {
    looking.passedOver(identity, 'the time was over');
    return false;
  }
  try {
    const destination = { destinationId, identity, address };
    const { unknown } = await ports.connector(connector).held(destination, []);
    for (const value of unknown) await looking.met({ identity }, value.reveal());
    return true;
  } catch (error) {
    if (!(error instanceof AdapterError || error instanceof RotorError)) throw error;
    looking.passedOver(identity, error.message);
    return false;
  }
}
