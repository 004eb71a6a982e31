/** Our own service: it uses what its file holds, each time anew. */
import { askForTokens } from './tokens.mjs';

await askForTokens('checkout');
