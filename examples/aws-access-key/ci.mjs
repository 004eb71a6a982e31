/** A CI: rotor hands it the key; it runs its job with it once, and only then says that it uses it. `node ci.mjs KEY-FILE-OF-THE-WEBHOOK` */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { callAws, callOften } from './use.mjs';

const port = 8099; // as in declarations.yaml
const signingKey = readFileSync(process.argv[2], 'utf8').trim();
const file = new URL('ci.json', import.meta.url);
let held = JSON.parse(readFileSync(file, 'utf8'));

function keep(next) {
  writeFileSync(file, JSON.stringify(next), { mode: 0o600 });
  held = next;
}

/** Signed with our key, and not more than five minutes ago. */
function isGenuine(signature, body) {
  const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? [];
  const wanted = createHmac('sha256', signingKey).update(`${t}.${body}`).digest();
  return (
    v1 !== undefined &&
    Math.abs(Date.now() / 1000 - Number(t)) < 300 &&
    timingSafeEqual(wanted, Buffer.from(v1, 'hex'))
  );
}

async function take({ version, value, withdrawn }) {
  if (withdrawn !== undefined && withdrawn === held.uses) keep({ uses: null, value: '' });
  if (value === undefined) return;
  await callAws(value);
  keep({ uses: version, value });
}

const server = createServer(async (request, response) => {
  let body = '';
  for await (const part of request) body += part;
  if (!isGenuine(request.headers['rotor-signature'], body)) return response.writeHead(401).end();
  try {
    await take(JSON.parse(body));
    response.end(JSON.stringify({ uses: held.uses }));
  } catch (error) {
    // rotor tries again.
    console.error(`ci: the job fails with the new key: ${error.message}`);
    response.writeHead(503).end();
  }
});
server.listen(port, '127.0.0.1');
await callOften('ci', () => held.value);
server.close();
server.closeAllConnections();
