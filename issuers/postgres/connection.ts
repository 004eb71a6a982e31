/** A client for a connection URL as libpq reads it: `pg` itself leaves %40 and the like in a database's name. */
import pg from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';

interface Wanted {
  /** Instead of the URL's own. */
  readonly database?: string | undefined;
  readonly application: string;
  readonly queryTimeoutMs?: number;
}

const timeoutMs = 10_000;

/** What else the URL says (TLS, options) is kept; throws where it cannot be read. */
export function clientOf(url: URL, { database, application, queryTimeoutMs }: Wanted): pg.Client {
  // The path of socket: is no database.
  const path = url.protocol === 'socket:' ? '' : url.pathname.slice(1);
  const wanted = database ?? decodeURIComponent(path);
  const client = new pg.Client({
    ...parseIntoClientConfig(url.href),
    ...(wanted === '' ? {} : { database: wanted }),
    application_name: application,
    connectionTimeoutMillis: timeoutMs,
    ...(queryTimeoutMs === undefined ? {} : { query_timeout: queryTimeoutMs }),
  });
  client.on('error', () => undefined);
  return client;
}

/** What a path may hold as it is stays so (RFC 3986): many clients do not unescape it. */
export function pathOf(database: string): string {
  const escaped = encodeURIComponent(database);
  return `/${escaped.replaceAll(/%(?:24|26|2B|2C|3A|3B|3D|40)/g, decodeURIComponent)}`;
}
