/** Tables for spreadsheets (RFC 4180). */
import { RotorError } from '../../domain/errors.js';
import type { Output } from './output.js';

/** What a spreadsheet would take for a formula is text: a user agent is written by whoever sends it. */
const formula = /^[=+\-@\t\r]/;

/** Whoever reads JSON must not get a table. */
export function refuseBoth({ json }: Output): void {
  if (!json) return;
  throw new RotorError('usage-invalid', 'either --csv or --json', {
    kind: 'invalid',
    hint: 'leave one of them out',
  });
}

export function csvLine(cells: readonly unknown[]): string {
  return cells.map(cell).join(',');
}

function cell(value: unknown): string {
  const text = asText(value);
  const safe = formula.test(text) && typeof value !== 'number' ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function asText(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
