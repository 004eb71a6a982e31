/** Looks into a place for a text, and tells where it was met and what was passed over. */
import type { Place, Spot } from '../../domain/discover/place.js';

export interface Seen {
  readonly told: string;
  readonly met: readonly { readonly spot: Spot; readonly text: string }[];
  readonly passedOver: string[];
}

export async function look(place: Place, needle: string): Promise<Seen> {
  const met: { spot: Spot; text: string }[] = [];
  const passedOver: string[] = [];
  const told = await place.look({
    signal: AbortSignal.timeout(60_000),
    met: (spot, text) => {
      if (text.includes(needle)) met.push({ spot, text });
      return Promise.resolve();
    },
    passedOver: (where, why) => void passedOver.push(`${where}: ${why}`),
  });
  return { told, met, passedOver };
}
