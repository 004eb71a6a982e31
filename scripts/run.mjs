/** Prepares the checkout, then becomes the given script: node scripts/run.mjs SCRIPT [ARGUMENT...] */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepareOrExit, root } from './prepare.mjs';

const [script, ...args] = process.argv.slice(2);
if (script === undefined) {
  console.error('usage: node scripts/run.mjs SCRIPT [ARGUMENT...]');
  process.exit(2);
}
await prepareOrExit();
const path = resolve(root, script);
process.argv = [process.execPath, path, ...args];
process.setSourceMapsEnabled(true);
await import(pathToFileURL(path).href);
