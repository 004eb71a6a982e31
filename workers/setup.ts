/** `npm run setup`: makes an installation on servers of your own ready, before each release starts; what is there stays. */
import { RotorError } from '../domain/errors.js';
import type { SecretValue } from '../domain/secret-value.js';
import { openStateFolder } from '../infra/embedded/folders.js';
import { startServers } from '../infra/embedded/servers.js';
import type { TemporalAccess } from '../infra/temporal-access.js';
import { runMain } from './child.js';
import { readSettings, type Settings } from './settings.js';
import { makeSecrets, tellApi } from './stack/first-start.js';
import { firstToken } from './stack/first-token.js';

interface OwnServers extends Settings {
  readonly databaseUrl: SecretValue;
  readonly temporal: TemporalAccess;
}

function demandServers(settings: Settings): OwnServers {
  const { databaseUrl, temporal } = settings;
  if (databaseUrl !== undefined && temporal !== undefined)
    return { ...settings, databaseUrl, temporal };
  const named = { DATABASE_URL: databaseUrl, TEMPORAL_ADDRESS: temporal };
  const problems = Object.entries(named)
    .filter(([, value]) => value === undefined)
    .map(([path]) => ({ path, message: 'is not set' }));
  throw new RotorError('configuration-invalid', 'where are your servers?', {
    kind: 'invalid',
    hint: 'npm start brings servers along',
    problems,
  });
}

async function prepareServers(settings: OwnServers): Promise<void> {
  const { databaseUrl, databaseOwnerUrl: owner, temporal, namespace, stateFolder } = settings;
  const where = {
    databaseUrl: databaseUrl.reveal(),
    ...(owner !== undefined && { databaseOwnerUrl: owner.reveal() }),
    temporal,
    namespace,
  };
  await startServers({ ...where, stateFolder, durable: true });
}

await runMain(async () => {
  const settings = demandServers(readSettings(process.env));
  const stateFolder = openStateFolder(settings.stateFolder);
  makeSecrets(stateFolder, settings.keyFile);
  await prepareServers(settings);
  const { keyFile } = settings;
  const databaseUrl = settings.databaseUrl.reveal();
  const tokenFile = await firstToken({ stateFolder, keyFile, databaseUrl });
  const url = tellApi(stateFolder, { api: settings.configuration.api, tokenFile });
  console.log(`rotor is set up: start workers and the API
  API          ${url}
  token        ${tokenFile} (administrator)
  keys         ${settings.keyFile}: without it nobody opens what is sealed, so back it up`);
});
