/** Asks both kinds at AWS over TLS: node asked-process.js FOLDER PORT... Its SDK takes Node's own errors for strangers within a test. */
import { AdapterError } from '../../domain/errors.js';
import { askedAt } from './kinds-at.js';

const [folder = '', ...ports] = process.argv.slice(2);
const told = [];
for (const kind of ['aws-iam-access-key', 'aws-secrets-manager'])
  for (const port of ports) {
    const { list } = askedAt(kind, { port: Number(port), tls: true, folder });
    const error: unknown = await list?.().catch((reason: unknown) => reason);
    if (!(error instanceof AdapterError)) throw new Error('it was not refused');
    told.push({ kind, code: error.code, message: error.message });
  }
process.stdout.write(JSON.stringify(told));
