/** Lists that come in pages, one after the other, so that ten thousand rows are no matter. */
import type { ApiClient } from '../http.js';
import type { Row } from './row.js';

/** `?name=value` of what was said; nothing where nothing was. */
export function queryOf(said: Readonly<Record<string, string | boolean | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(said))
    if (value !== undefined) query.set(name, String(value));
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** Asks until a page is empty; `key` says after which row the next one begins. */
export async function* allPages(
  api: ApiClient,
  path: string,
  key: (row: Row) => string,
): AsyncGenerator<readonly Row[]> {
  for (let after: string | undefined; ;) {
    const more =
      after === undefined
        ? ''
        : `${path.includes('?') ? '&' : '?'}after=${encodeURIComponent(after)}`;
    const page = await api.get<Row[]>(`${path}${more}`);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    after = key(last);
  }
}
