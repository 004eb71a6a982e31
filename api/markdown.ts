/** Markdown of reports: tables of rows, cells without what steers a terminal or breaks a table. */
import { stripVTControlCharacters } from 'node:util';
import type { Row } from '../infra/registry/views.js';

export function section(title: string, columns: readonly string[], rows: readonly Row[]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    `## ${title}`,
    '',
    line(columns),
    line(columns.map(() => '---')),
    ...rows.map((row) => line(columns.map((column) => cell(row[column])))),
    '',
  ];
}

export function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = value instanceof Date ? value.toISOString() : String(value);
  return stripVTControlCharacters(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
}

export function time(value: unknown): string {
  return value instanceof Date ? value.toISOString() : String(value ?? 'not yet');
}
