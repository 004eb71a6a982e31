/** Moments as people type them. */
import { InvalidArgumentError } from 'commander';

/** ISO 8601, as the API takes it. */
export function asMoment(text: string): string {
  const moment = new Date(text);
  if (/^\d{4}-\d{2}-\d{2}/.test(text) && !Number.isNaN(moment.getTime()))
    return moment.toISOString();
  throw new InvalidArgumentError('expected a moment such as 2026-01-31T12:00:00Z');
}
