/** Tasks in words: lists, one of them, and who is waited for. */
import colors from 'picocolors';
import { table, when } from './output.js';
import type { Row } from './row.js';
import { shortId } from '../../domain/told-id.js';

export function tasksText(rows: readonly Row[]): string {
  return table(
    ['task', 'who', 'does', 'secret', 'dependent', 'state', 'due'],
    rows.map((row) => [
      shortId(row['task']),
      String(row['assignee']),
      `${String(row['kind'])} ${String(row['version'])}`,
      String(row['secret']),
      String(row['dependent']),
      row['overdue'] === true ? colors.red('overdue') : String(row['state']),
      when(row['due']),
    ]),
  );
}

/** Who is waited for, and until when: one line for each. */
export function waitingLines(
  rows: readonly Row[],
  dueAt: (at: unknown) => string = when,
): string[] {
  return rows.map((row) => {
    const what = row['kind'] === 'enter' ? 'to type in' : 'to remove';
    const due = `${row['overdue'] === true ? colors.red('was due') : 'due'} ${dueAt(row['due'])}`;
    const fetched = row['fetched'] === null ? '' : ', was shown the value';
    return `${String(row['assignee'])} is ${what} ${String(row['version'])} for ${String(row['dependent'])}, ${due}${fetched} (rotor tasks show ${shortId(row['task'])})`;
  });
}

export function taskText(row: Row): string {
  const lines = [
    colors.bold(`${String(row['kind'])} ${String(row['version'])} of ${String(row['secret'])}`),
    `task      ${String(row['task'])}${row['urgent'] === true ? colors.red(' urgent') : ''}`,
    `who       ${String(row['assignee'])}, for ${String(row['dependent'])}`,
    `where     ${String(row['place'])}`,
    `how       ${String(row['instructions'])
      .trimEnd()
      .replaceAll('\n', `\n${' '.repeat(10)}`)}`,
    `due       ${String(row['due'])} (${when(row['due'])}), then ${String(row['escalateTo'])} is told`,
    `state     ${row['overdue'] === true ? colors.red('overdue') : String(row['state'])}`,
  ];
  if (row['fetched'] !== null) lines.push(`shown     ${when(row['fetched'])}`);
  if (row['settled'] !== null)
    lines.push(`settled   by ${String(row['settledBy'])} ${when(row['settled'])}${noteOf(row)}`);
  return lines.join('\n');
}

function noteOf(row: Row): string {
  return row['note'] === null ? '' : `: ${String(row['note'])}`;
}
