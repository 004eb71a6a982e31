/** Asks for tokens over kept connections for some seconds, and prints how many were given per second. */
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';

interface Order {
  readonly url: string;
  readonly seconds: number;
  readonly clientId: string;
  readonly value: string;
}

const connections = 48;
const order = JSON.parse(await text(process.stdin)) as Order;
const agent = new Agent({ keepAlive: true, maxSockets: connections });
const body = new URLSearchParams({
  grant_type: 'client_credentials',
  client_id: order.clientId,
  client_secret: order.value,
}).toString();
const headers = {
  'content-type': 'application/x-www-form-urlencoded',
  'content-length': String(body.length),
  'user-agent': 'bench/1.0',
};

function ask(): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(
      `${order.url}/oauth/token`,
      { method: 'POST', agent, headers },
      (reply) => {
        reply.resume();
        reply.once('end', () => resolve(reply.statusCode));
      },
    );
    asked.once('error', reject);
    asked.end(body);
  });
}

let given = 0;
const began = performance.now();
const stop = began + order.seconds * 1_000;
await Promise.all(
  Array.from({ length: connections }, async () => {
    while (performance.now() < stop) if ((await ask()) === 200) given += 1;
  }),
);
process.stdout.write(String(given / ((performance.now() - began) / 1_000)));
agent.destroy();
