/** `npm run setup`: makes an installation on servers of your own ready, before each release starts; what is there stays. */
import { RotorError } from '../domain/errors.js';
import { openStateFolder } from '../infra/embedded/folders.js';
import { startServers } from '../infra/embedded/servers.js';
import { runMain } from './child.js';
import { readSettings, type Settings } from './settings.js';
import { makeSecrets, tellApi } from './stack/first-start.js';
import { firstToken } from './stack/first-token.js';

interface OwnServers extends Settings {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
}

function demandServers(settings: Settings): OwnServers {
  const { databaseUrl, temporalAddress } = settings;
  if (databaseUrl !== undefined && temporalAddress !== undefined)
    return { ...settings, databaseUrl, temporalAddress };
  const named = { DATABASE_URL: databaseUrl, TEMPORAL_ADDRESS: temporalAddress };
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
  const { databaseUrl, databaseOwnerUrl, temporalAddress, namespace, stateFolder } = settings;
  const owner = databaseOwnerUrl === undefined ? {} : { databaseOwnerUrl };
  const where = { databaseUrl, temporalAddress, namespace, ...owner };
  await startServers({ ...where, stateFolder, durable: true });
}

await runMain(async () => {
  const settings = demandServers(readSettings(process.env));
  const stateFolder = openStateFolder(settings.stateFolder);
  makeSecrets(stateFolder, settings.keyFile);
  await prepareServers(settings);
  const tokenFile = await firstToken({ ...settings, stateFolder });
  const url = tellApi(stateFolder, { api: settings.configuration.api, tokenFile });
  console.log(`rotor is set up: start workers and the API
  API          ${url}
  token        ${tokenFile} (administrator)
  keys         ${settings.keyFile}: without it nobody opens what is sealed, so back it up`);
});
