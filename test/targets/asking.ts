/** Asks a coordinator; not by fetch, which gives up after five minutes, and a first download may take longer. */
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type { Outcome, Wanted } from './coordinator.js';

/** Gives each outcome as it comes; who leaves before the end, or aborts, closes the connection. */
export async function* askFor(
  url: string,
  wanted: Wanted,
  signal?: AbortSignal,
): AsyncGenerator<Outcome> {
  yield* outcomes(await send(url, 'POST', { body: JSON.stringify(wanted), signal }));
}

export async function askWhatRuns(url: string): Promise<Outcome[]> {
  const found: Outcome[] = [];
  for await (const outcome of outcomes(await send(url, 'GET'))) found.push(outcome);
  return found;
}

export async function askToStop(url: string): Promise<void> {
  const response = await send(url, 'DELETE');
  response.resume();
  await once(response, 'close');
}

interface Sent {
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
}

async function send(url: string, method: string, sent: Sent = {}): Promise<IncomingMessage> {
  const asked = request(url, { method, agent: false, signal: sent.signal }).end(sent.body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  if (response.statusCode === 200) return response;
  response.destroy();
  throw new Error(`the coordinator of the targets answered ${String(response.statusCode)}`);
}

async function* outcomes(response: IncomingMessage): AsyncGenerator<Outcome> {
  for await (const line of createInterface(response)) yield JSON.parse(line) as Outcome;
}
