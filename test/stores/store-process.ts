/**
 * Puts values into a file store until it is killed: node store-process.js OPTIONS VERSION, where OPTIONS is a JSON
 * object. It kills itself as the value would be renamed into its place; without VERSION it puts one after the other.
 */
import { randomUUID } from 'node:crypto';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { SecretValue } from '../../domain/secret-value.js';
import { noContext } from './context.js';

const [options = '', only] = process.argv.slice(2);
if (only !== undefined) {
  promises.rename = () => {
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => undefined);
  };
  syncBuiltinESMExports();
}
const { file } = await import('../../stores/file/index.js');
const store = file.open(file.options.parse(JSON.parse(options)), noContext);
if (only !== undefined) await store.put(only, new SecretValue(`value of ${only}`));
for (;;) {
  const versionId = randomUUID();
  process.stdout.write(`begun ${versionId}\n`);
  await store.put(versionId, new SecretValue(`value of ${versionId}`));
  process.stdout.write(`put ${versionId}\n`);
}
