/** Words for recurring times, as people say them: `first tuesday 10:00` is `0 10 * * 2#1`. */
const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

const ordinals: Readonly<Record<string, string>> = {
  first: '#1',
  second: '#2',
  third: '#3',
  fourth: '#4',
  last: '#L',
};

export const wordsWanted =
  'expected words such as daily 03:00, every monday 09:30, first tuesday 10:00, last friday of the month 16:00, or monthly on 15 08:00';

/** The cron expression, or undefined where the words are not understood. Case and further spaces do not matter. */
export function cronOfWords(words: string): string | undefined {
  const parts = words.trim().toLowerCase().split(/\s+/);
  const [, hour, minute] = /^(\d{1,2}):(\d{2})$/.exec(parts.at(-1) ?? '') ?? [];
  if (hour === undefined || minute === undefined) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59) return undefined;
  const days = daysOf(parts.slice(0, -1).filter((word) => word !== 'at'));
  return days === undefined ? undefined : `${Number(minute)} ${Number(hour)} ${days}`;
}

/** Day of the month, month and day of the week. */
const fixed: Readonly<Record<string, string>> = {
  daily: '* * *',
  'every day': '* * *',
  'every weekday': '* * 1-5',
  weekdays: '* * 1-5',
  monthly: '1 * *',
  'first day': '1 * *',
  'last day': 'L * *',
};

function daysOf(words: readonly string[]): string | undefined {
  const text = words
    .join(' ')
    .replace(/^the /, '')
    .replace(/ of (the|each|every) month$/, '');
  return fixed[text] ?? dayOfMonth(text) ?? dayOfWeek(text);
}

function dayOfMonth(text: string): string | undefined {
  const day = Number(/^monthly on (?:the )?(\d{1,2})(?:st|nd|rd|th)?$/.exec(text)?.[1]);
  return day >= 1 && day <= 31 ? `${day} * *` : undefined;
}

function dayOfWeek(text: string): string | undefined {
  const [which = '', day = '', ...rest] = text.split(' ');
  const weekday = weekdays.indexOf(day);
  if (weekday < 0 || rest.length > 0) return undefined;
  if (which === 'every') return `* * ${weekday}`;
  const ordinal = ordinals[which];
  return ordinal === undefined ? undefined : `* * ${weekday}${ordinal}`;
}
