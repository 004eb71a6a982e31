/** All kinds of issuers. */
import { clientSecrets } from './client-secrets/index.js';
import { openbaoApprole } from './openbao-approle/index.js';
import { postgres } from './postgres/index.js';
import { redisAcl } from './redis-acl/index.js';

export const issuerKinds = [clientSecrets, openbaoApprole, postgres, redisAcl] as const;
