/** All kinds of issuers. */
import { clientSecrets } from './client-secrets/index.js';
import { postgres } from './postgres/index.js';

export const issuerKinds = [clientSecrets, postgres] as const;
