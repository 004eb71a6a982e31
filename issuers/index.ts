/** All kinds of issuers. */
import { awsIamAccessKey } from './aws-iam-access-key/index.js';
import { clientSecrets } from './client-secrets/index.js';
import { http } from './http/index.js';
import { keycloakClientSecret } from './keycloak-client-secret/index.js';
import { mariadbUser } from './mariadb-user/index.js';
import { openbaoApprole } from './openbao-approle/index.js';
import { postgres } from './postgres/index.js';
import { rabbitmqUser } from './rabbitmq-user/index.js';
import { redisAcl } from './redis-acl/index.js';

export const issuerKinds = [
  awsIamAccessKey,
  clientSecrets,
  http,
  keycloakClientSecret,
  mariadbUser,
  openbaoApprole,
  postgres,
  rabbitmqUser,
  redisAcl,
] as const;
