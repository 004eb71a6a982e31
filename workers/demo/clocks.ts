/** Clocks of zones as the observer reads them, not by rotor's own calendar: when they change, and which slots a second hand names. */

export interface ClockChange {
  /** `YYYY-MM-DD`, where it happens. */
  readonly day: string;
  readonly month: number;
}

const dayMs = 86_400_000;

/** The first day after the moment on which clocks of the zone are put forward, or back; undefined where they never are. */
export function nextClockChange(
  zone: string,
  direction: 'forward' | 'back',
  after: Date,
): ClockChange | undefined {
  for (let ahead = 0; ahead < 400; ahead += 1) {
    const noon = noonUtc(new Date(after.getTime() + ahead * dayMs));
    const change = offsetMinutes(zone, noon) - offsetMinutes(zone, new Date(noon - dayMs));
    if (direction === 'forward' ? change > 0 : change < 0) {
      const day = localDay(zone, noon);
      return { day, month: Number(day.slice(5, 7)) };
    }
  }
  return undefined;
}

function noonUtc(at: Date): number {
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), 12);
}

function localDay(zone: string, at: number): string {
  // Sweden writes dates as ISO does.
  return new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short' }).format(at);
}

/** `GMT+02:00`, and `GMT` alone for none. */
function offsetMinutes(zone: string, at: number | Date): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    timeZoneName: 'longOffset',
  }).formatToParts(at);
  const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign = '+', hours = '0', minutes = '0'] = /GMT([+-])(\d\d):(\d\d)/.exec(name) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

/** Seconds of the minute that `every` divides, from the first moment to the last one, both included. */
export function secondsNamed(from: Date, to: Date, every: number): number {
  const step = every * 1_000;
  return Math.max(0, Math.floor(to.getTime() / step) - Math.ceil(from.getTime() / step) + 1);
}

/** The fewest seconds that divide a minute and leave room for what took so long. */
export function dayLength(tookMs: number): number {
  const lengths = [2, 3, 4, 5, 6, 10, 12, 15, 20, 30];
  return lengths.find((seconds) => seconds * 1_000 >= 1.5 * tookMs) ?? 60;
}
