/** The command line: a client of the API, and what has to work without it. */
import { runCli } from '../client/cli/main.js';
import { endWithReader } from '../client/cli/output.js';

endWithReader();
// Loaded only then: every issuer's library comes along.
await runCli({
  openDirect: async (asked) => (await import('./direct/open.js')).openDirect(asked),
  openImport: async () => (await import('./import.js')).importMeans,
  holdHttp: async (...asked) => (await import('./conformance.js')).holdHttp(...asked),
});
