/** A process that makes the folder `thing` of the given cache, and waits in the midst of it until that many have begun. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { cachedFolder } from './cached.js';

const [cache = '', many = '1'] = process.argv.slice(2);
// One that is ready already has begun, too.
const begun = (): number => readdirSync(cache).filter((name) => name.startsWith('thing')).length;
await cachedFolder(cache, 'thing', async (draft) => {
  writeFileSync(join(draft, 'first'), String(process.pid));
  while (begun() < Number(many)) await pause(10);
  writeFileSync(join(draft, 'second'), String(process.pid));
});
