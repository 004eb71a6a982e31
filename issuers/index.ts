/** All kinds of issuers. */
import { clientSecrets } from './client-secrets/index.js';

export const issuerKinds = [clientSecrets] as const;
