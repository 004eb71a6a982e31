/** Asks a coordinator; not by fetch, which gives up after five minutes, and a first download may take longer. */
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type { Outcome, Wanted } from './coordinator.js';

/** Gives each outcome as it comes. */
export async function* askFor(url: string, wanted: Wanted): AsyncGenerator<Outcome> {
  yield* outcomes(await send(url, 'POST', JSON.stringify(wanted)));
}

async function send(url: string, method: string, body: string): Promise<IncomingMessage> {
  const asked = request(url, { method, agent: false }).end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  if (response.statusCode === 200) return response;
  response.destroy();
  throw new Error(`the coordinator of the targets answered ${String(response.statusCode)}`);
}

async function* outcomes(response: IncomingMessage): AsyncGenerator<Outcome> {
  for await (const line of createInterface(response)) yield JSON.parse(line) as Outcome;
}
