/** Durations as people write them (`90s`, `1h30m`, `7d`) and as rotor computes with them (milliseconds). */
const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const shape = /^(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+$/;
const part = /(\d+(?:\.\d+)?)(ms|[smhdw])/g;

/** Ten years: longer than any policy should say, short enough for every timer and timestamp. */
export const longestDurationMs = 3_650 * 86_400_000;

/** Milliseconds, or undefined where the text is not a duration of at most ten years. `0` needs no unit. */
export function parseDuration(text: string): number | undefined {
  const compact = text.trim().replaceAll(' ', '');
  if (compact === '0') return 0;
  if (!shape.test(compact)) return undefined;
  let total = 0;
  for (const [, amount, unit] of compact.matchAll(part)) {
    total += Number(amount) * (unitMs[unit ?? ''] ?? Number.NaN);
  }
  const rounded = Math.round(total);
  return rounded <= longestDurationMs ? rounded : undefined;
}

/** The two largest units that matter: `1h 30m`, `45s`, `250ms`. Days are the largest: people write 30d, and look for that. */
export function formatDuration(ms: number): string {
  if (ms <= 0) return '0s';
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  const parts: string[] = [];
  let rest = Math.round(ms / 1_000) * 1_000;
  for (const unit of ['d', 'h', 'm', 's']) {
    const size = unitMs[unit] ?? 1;
    const amount = Math.floor(rest / size);
    if (amount > 0) parts.push(`${amount}${unit}`);
    rest -= amount * size;
  }
  return parts.slice(0, 2).join(' ');
}

/** Of a time that has passed, in one unit: `90 s`, `5 min`, `3 h`, `12 days`. */
export function ageInWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800
    ? `${Math.round(seconds / 3_600)} h`
    : `${Math.round(seconds / 86_400)} days`;
}
