/** The worker process: carries out runs, keeps the record of use, watches over what others left. */
import { openParts } from './parts.js';
import { runWorker } from './run-worker.js';

await runWorker(openParts);
