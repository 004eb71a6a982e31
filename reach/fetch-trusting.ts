/** What `fetch` does, with authorities of the installation's own: `fetch` itself takes none for one call. */
import { request } from 'node:https';
import { Readable } from 'node:stream';

export interface Sent {
  readonly method: string;
  readonly redirect: 'error';
  readonly signal: AbortSignal;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | URLSearchParams;
}

/** Statuses whose answers have no body. */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

export function fetchTrusting(
  ca: string,
  url: string,
  { method, signal, headers, body }: Sent,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    // An aborted request is told as what aborted it.
    const fail = (error: unknown): void => reject(signal.aborted ? signal.reason : error);
    const form = body instanceof URLSearchParams;
    const typed = form ? { 'content-type': 'application/x-www-form-urlencoded' } : {};
    const outgoing = request(url, { method, signal, ca, headers: { ...typed, ...headers } });
    outgoing.on('error', fail);
    outgoing.on('response', (incoming) => {
      const status = incoming.statusCode ?? 0;
      if (status >= 300 && status < 400) {
        incoming.destroy();
        return fail(new TypeError('a redirect is not followed'));
      }
      const text = bodiless.has(status) ? null : Readable.toWeb(incoming);
      const retryAfter = incoming.headers['retry-after'];
      const told = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
      resolve(new Response(text as ReadableStream<Uint8Array> | null, { status, headers: told }));
    });
    outgoing.end(body?.toString());
  });
}
