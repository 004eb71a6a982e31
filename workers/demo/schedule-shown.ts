/** The next slots of three secrets in three zones, as `rotor schedule next` shows them. */
import type { ApiClient } from '../../client/http.js';
import { weekdayOf } from '../../domain/calendar.js';
import type { Cli } from './cli.js';
import { window, type Days } from './schedule-cast.js';
import type { ScheduleFigures } from './schedule-figures.js';
import { say } from './stage.js';

export interface ShownSlot {
  readonly slot: string;
  /** `YYYY-MM-DDTHH:mm:ss`, when it runs. */
  readonly local: string;
  readonly moves: readonly { readonly why: string }[];
}

export type Shown = Pick<
  ScheduleFigures,
  | 'slotsShown'
  | 'slotsShownOutsideOfWindows'
  | 'slotsShownInABlackout'
  | 'slotsMovedByTheBlackout'
  | 'shownOnTheDayThatLeavesItOut'
  | 'missingLocalTimeRunsAt'
  | 'shownOnTheDayThatHasItTwice'
>;

export async function showSlots(cli: Cli, api: ApiClient, days: Days): Promise<Shown> {
  say(
    `Three secrets, three zones. On ${days.leftOut} Berlin has no 02:30, on ${days.twice} New York has 01:30 twice,\n  and Tokyo has windows, jitter, and a freeze.`,
  );
  await cli.run(['schedule', 'next', 'acme/tariffs', '--count', '5']);
  await cli.run(['schedule', 'next', 'acme/quotes', '--count', '6']);
  await cli.run(['schedule', 'next', 'acme/invoices', '--count', '12']);
  const slots = async (secret: string): Promise<readonly ShownSlot[]> => {
    const path = `/v1/secrets/acme/${secret}/schedule?count=31`;
    return (await api.get<{ slots: ShownSlot[] }>(path)).slots;
  };
  const tariffs = await slots('tariffs');
  const quotes = await slots('quotes');
  return shownFigures({ tariffs, quotes, invoices: await slots('invoices') }, days);
}

interface Slots {
  readonly tariffs: readonly ShownSlot[];
  readonly quotes: readonly ShownSlot[];
  readonly invoices: readonly ShownSlot[];
}

export function shownFigures({ tariffs, quotes, invoices }: Slots, days: Days): Shown {
  const leftOut = tariffs.filter(({ slot }) => slot.startsWith(days.leftOut));
  const { from, to } = days.blackout;
  return {
    slotsShown: invoices.length,
    slotsShownOutsideOfWindows: invoices.filter(({ local }) => !isInWindow(local)).length,
    slotsShownInABlackout: invoices.filter(({ local }) => {
      const day = local.slice(0, 10);
      return from <= day && day <= to;
    }).length,
    slotsMovedByTheBlackout: invoices.filter(({ moves }) =>
      moves.some(({ why }) => why === 'blackout'),
    ).length,
    shownOnTheDayThatLeavesItOut: leftOut.length,
    missingLocalTimeRunsAt: leftOut[0]?.local.slice(11, 16) ?? '',
    shownOnTheDayThatHasItTwice: quotes.filter(({ slot }) => slot.startsWith(days.twice)).length,
  };
}

function isInWindow(local: string): boolean {
  const time = local.slice(11, 16);
  const weekend = ['sat', 'sun'].includes(weekdayOf(local.slice(0, 10)));
  return !weekend && window.from <= time && time < window.to;
}
