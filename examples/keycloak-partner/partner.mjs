/** The partner's portal: somebody types a new secret in, and from then on it uses that one. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { askForTokens } from './tokens.mjs';

const file = new URL('partner.env', import.meta.url);
const portal = createInterface({ input: process.stdin });
console.log('API keys. Replace: type the new one, and Enter.');
portal.on('line', (typed) => {
  if (typed.trim() === '') return;
  const before = readFileSync(file, 'utf8');
  writeFileSync(file, before.replace(/^CLIENT_SECRET=.*$/m, `CLIENT_SECRET=${typed.trim()}`));
  console.log('replaced');
});
await askForTokens('partner');
portal.close();
