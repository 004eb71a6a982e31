/** A service that reads its key from a JSON file, each time anew. */
import { readFileSync } from 'node:fs';
import { callOften } from './use.mjs';

const file = new URL('uploader.json', import.meta.url);
await callOften('uploader', () => JSON.parse(readFileSync(file, 'utf8')).aws);
