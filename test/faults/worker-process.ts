/** The worker process, with the issuer that the test serves. */
import { runWorker } from '../../workers/run-worker.js';
import { partsWithIssuer } from './parts-with-issuer.js';
import { issuerAt } from './served-issuer.js';

const url = process.env['ROTOR_TEST_ISSUER'] ?? '';
await runWorker(async (settings) => partsWithIssuer(settings, await issuerAt(url)));
