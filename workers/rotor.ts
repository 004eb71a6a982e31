/** The command line: a client of the API, and the one thing that has to work without it. */
import { runCli } from '../client/cli/main.js';
import { endWithReader } from '../client/cli/output.js';

endWithReader();
// Loaded only then: every issuer's library comes along.
await runCli(async (asked) => (await import('./direct/open.js')).openDirect(asked));
