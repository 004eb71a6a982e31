/** A program that asks for a token again and again, with what its file holds, until Ctrl-C; it tells how often it was refused. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { parse } from 'dotenv';

export async function askForTokens(name) {
  const file = new URL(`${name}.env`, import.meta.url);
  const said = { tokens: 0, refused: 0, secrets: new Set() };
  let running = true;
  process.once('SIGINT', () => (running = false));
  while (running) {
    const { TOKEN_URL, CLIENT_ID, CLIENT_SECRET } = parse(readFileSync(file));
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: CLIENT_ID,
      client_secret: CLIENT_SECRET,
    });
    try {
      const response = await fetch(TOKEN_URL, { method: 'POST', body });
      await response.arrayBuffer();
      if (response.ok) said.tokens += 1;
      if (response.status === 400 || response.status === 401) said.refused += 1;
      said.secrets.add(CLIENT_SECRET);
    } catch (error) {
      console.error(`${name}: ${error.message}`);
    }
    await pause(200);
  }
  const { tokens, refused, secrets } = said;
  console.log(`${name}: ${tokens} tokens, ${refused} refused, ${secrets.size} secrets`);
}
