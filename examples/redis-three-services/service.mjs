/** A service of the shop, `node service.mjs NAME`: it counts in Redis, and opens another connection when its file has another password. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from '@redis/client';
import { parse } from 'dotenv';

const name = process.argv[2];
const file = new URL(`${name}.env`, import.meta.url);
const said = { uses: 0, refused: 0, connections: 0 };
let running = true;
process.once('SIGINT', () => (running = false));

let held;
let connection;
async function connected() {
  const {
    REDIS_URL: url,
    REDIS_USER: username,
    REDIS_PASSWORD: password,
  } = parse(readFileSync(file));
  if (password === held && connection.isReady) return connection;
  const socket = { reconnectStrategy: false };
  const next = createClient({ url, username, password, name, socket });
  next.on('error', () => undefined);
  await next.connect();
  // Only now: the old connection is good for as long as the new one is not there.
  connection?.destroy();
  [connection, held] = [next, password];
  said.connections += 1;
  return connection;
}

while (running) {
  try {
    await (await connected()).incr(`shop:${name}`);
    said.uses += 1;
  } catch (error) {
    if (/WRONGPASS|NOAUTH|NOPERM/.test(error.message)) said.refused += 1;
    console.error(`${name}: ${error.message}`);
  }
  await pause(100);
}
connection?.destroy();
console.log(`${name}: ${said.uses} uses, ${said.refused} refused, ${said.connections} connections`);
