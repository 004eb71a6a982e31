/** Messages as people read them: what happened, to which secret, what to do; a digest by secret. */
import { adviceOn, headline, type ToldEvent } from '../../domain/told-event.js';
import type { Message } from './kind.js';

export interface Paragraph {
  readonly title: string;
  readonly lines: readonly string[];
}

/** Chats refuse what is longer. */
const mostParagraphs = 20;
const mostEventsEach = 5;
const longestText = 400;

export function subjectOf({ events }: Message): string {
  const [first] = events;
  if (first === undefined || events.length > 1) {
    const secrets = new Set(events.map(({ secret }) => secret)).size;
    return `${events.length} events of ${secrets} secret${secrets === 1 ? '' : 's'}`;
  }
  return `${first.severity}: ${headline(first)}`;
}

/** One for each secret. */
export function paragraphsOf({ events }: Message): Paragraph[] {
  const bySecret = new Map<string, ToldEvent[]>();
  for (const event of events) {
    const name = event.secret ?? 'rotor';
    bySecret.set(name, [...(bySecret.get(name) ?? []), event]);
  }
  const all = [...bySecret].map(([name, own]) => paragraphOf(name, own));
  const left = all.length - mostParagraphs;
  if (left <= 0) return all;
  const more = { title: `and ${left} secrets more`, lines: ['rotor list shows them'] };
  return [...all.slice(0, mostParagraphs), more];
}

function paragraphOf(name: string, events: readonly ToldEvent[]): Paragraph {
  const [only] = events;
  if (only !== undefined && events.length === 1)
    return { title: headline(only), lines: linesOf(only) };
  const left = events.length - mostEventsEach;
  const shown = events
    .slice(0, mostEventsEach)
    .flatMap((event) => [`• ${headline(event)}`, ...linesOf(event).map((line) => `  ${line}`)]);
  return { title: name, lines: left > 0 ? [...shown, `and ${left} events more`] : shown };
}

function linesOf(event: ToldEvent): string[] {
  const { todo, command, runbook } = adviceOn(event);
  const owner = event.owner === null ? [] : [`owner: ${event.owner}`];
  const look = runbook === undefined ? command : `${command} (${runbook})`;
  const advice = todo === undefined ? [`to do: ${look}`] : [`to do: ${todo}`, `look: ${look}`];
  return [printable(event.message), ...owner, ...advice];
}

/** What others wrote, a user agent for example, steers no terminal and fills no page. */
function printable(text: string): string {
  const flat = text.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    ' ',
  );
  return flat.length > longestText ? `${cut(flat, longestText)}…` : flat;
}

/** No longer than that, and no character in halves: receivers refuse what is no text. */
export function cut(text: string, most: number): string {
  return text.slice(0, Math.max(0, most)).replace(/[\ud800-\udbff]$/, '');
}

/** For programs: all of it, with what to do. */
export function bodyOf({ id, events }: Message): object {
  const told = events.map((event) => {
    const { todo, command, runbook } = adviceOn(event);
    return { ...event, todo: todo ?? null, command, runbook: runbook ?? null };
  });
  return { id, events: told };
}
