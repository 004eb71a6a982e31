/** The app: a pool for its requests, made anew when its file has another URL, and one session that listens for as long as it lasts. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { parse } from 'dotenv';
import pg from 'pg';

const file = new URL('app.env', import.meta.url);
const application_name = 'orders-app'; // rotor recognizes the app by it
const said = { orders: 0, refused: 0, pools: 0, listened: 0 };
let running = true;
process.once('SIGINT', () => (running = false));

let held;
let pool;
function pooled() {
  const { DATABASE_URL: connectionString } = parse(readFileSync(file));
  if (connectionString === held) return pool;
  // What the old pool has begun it ends in peace.
  pool?.end();
  pool = new pg.Pool({ connectionString, application_name, max: 4, idleTimeoutMillis: 500 });
  pool.on('error', () => undefined);
  held = connectionString;
  said.pools += 1;
  return pool;
}

function noteRefusal(error) {
  // 28P01: a wrong password; 28000: no such login, or not any more.
  if (error.code === '28P01' || error.code === '28000') said.refused += 1;
  console.error(`orders-app: ${error.message}`);
}

/** It knows nothing of rotations: a session that ends is begun again, with what the file holds by then. */
async function listen() {
  while (running) {
    const { DATABASE_URL: connectionString } = parse(readFileSync(file));
    const session = new pg.Client({ connectionString, application_name });
    const ended = new Promise((resolve) => session.once('end', resolve));
    session.on('error', () => undefined);
    try {
      await session.connect();
      await session.query('listen orders');
      said.listened += 1;
      while (running && (await Promise.race([ended.then(() => false), pause(100, true)])));
      await session.end();
    } catch (error) {
      noteRefusal(error);
    }
  }
}

const listening = listen();
while (running) {
  try {
    await pooled().query('insert into orders default values');
    said.orders += 1;
  } catch (error) {
    noteRefusal(error);
  }
  await pause(100);
}
await listening;
await pool.end();
const { orders, refused, pools, listened } = said;
console.log(`${orders} orders, ${refused} refused, ${pools} pools, listened ${listened} times`);
