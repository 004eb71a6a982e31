/** All kinds of connectors. */
import { awsSecretsManager } from './aws-secrets-manager/index.js';
import { command } from './command/index.js';
import { dotenv } from './dotenv/index.js';
import { humanTask } from './human-task/index.js';
import { jsonFile } from './json-file/index.js';
import { openbaoKv } from './openbao-kv/index.js';
import { processReload } from './process-reload/index.js';
import { sshFile } from './ssh-file/index.js';
import { systemdCredential } from './systemd-credential/index.js';
import { textFile } from './text-file/index.js';
import { webhook } from './webhook/index.js';
import { yamlFile } from './yaml-file/index.js';

export const connectorKinds = [
  awsSecretsManager,
  command,
  dotenv,
  humanTask,
  jsonFile,
  openbaoKv,
  processReload([dotenv, jsonFile, textFile, yamlFile]),
  sshFile,
  systemdCredential,
  textFile,
  webhook,
  yamlFile,
] as const;
