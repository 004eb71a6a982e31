/** All kinds of places that a discovery looks in, beside the destinations that rotor knows. */
import { awsSecretsManager } from './aws-secrets-manager/index.js';
import { folder } from './folder/index.js';
import { openbaoKv } from './openbao-kv/index.js';
import { processes } from './processes/index.js';

export const placeKinds = [awsSecretsManager, folder, openbaoKv, processes] as const;
