/** Lists the secrets of a store by their names and metadata, for `rotor import`: with the options that a place there has. */
import type { SecretListEntry } from '@aws-sdk/client-secrets-manager';
import type { ImportMeans, ImportSource } from '../client/cli/import.js';
import { AdapterError, isPassing, RotorError, type Problem } from '../domain/errors.js';
import type { Found, FoundSecret } from '../domain/import/found.js';
import { awsSecretsManager } from '../places/aws-secrets-manager/index.js';
import { openAwsSecrets } from '../places/aws-secrets-manager/list.js';
import { openbaoKv } from '../places/openbao-kv/index.js';
import { openKv } from '../places/openbao-kv/kv.js';
import { check } from '../schemas/problems.js';
import { isInstalled, readFiles } from './settings.js';

const kinds = { 'aws-secrets-manager': awsSecretsManager, openbao: openbaoKv } as const;

type Options = Readonly<Record<string, unknown>>;

const longestMs = 600_000;

export const importMeans: ImportMeans = {
  problems: problemsOf,
  async list(source, options) {
    try {
      return await lists[source](options);
    } catch (error) {
      if (!(error instanceof AdapterError)) throw error;
      throw new RotorError('import-failed', error.message, {
        kind: isPassing(error.code) ? 'unavailable' : 'failed',
        hint: 'nothing was changed or written; the guide says which rights listing needs',
      });
    }
  },
  issuers,
};

function problemsOf(source: ImportSource, options: Options): Problem[] {
  const { options: wanted, ...kind } = kinds[source];
  const libraries = 'libraries' in kind ? (kind.libraries ?? []) : [];
  const missing = libraries
    .filter(({ name }) => !isInstalled(name))
    .map(({ name, version }) => ({
      path: source,
      message: `needs the library ${name}`,
      hint: `npm install ${name}@${version}`,
    }));
  const checked = check(wanted, options);
  return 'problems' in checked ? [...missing, ...checked.problems] : missing;
}

/** Of rotor.yaml, where it lies here; elsewhere nobody knows. */
function issuers(): ReadonlyMap<string, string> {
  try {
    const { configuration } = readFiles(process.env);
    return new Map(Object.entries(configuration.issuers).map(([name, { kind }]) => [name, kind]));
  } catch (error) {
    if (!(error instanceof RotorError)) throw error;
    return new Map();
  }
}

type List = (options: Options) => Promise<Found>;

const lists: Readonly<Record<ImportSource, List>> = {
  'aws-secrets-manager': listAws,
  openbao: listBao,
};

async function listAws(given: Options): Promise<Found> {
  const options = awsSecretsManager.options.parse(given);
  const { region, prefix, mostSecrets } = options;
  const secrets: FoundSecret[] = [];
  const leftOut: string[] = [];
  const signal = AbortSignal.timeout(longestMs);
  const asked = await openAwsSecrets({ access: options, signal });
  try {
    for await (const entry of asked.list(prefix)) {
      const name = entry.Name ?? '';
      if (secrets.length >= mostSecrets) {
        leftOut.push(`the rest after ${mostSecrets} secrets (--most-secrets)`);
        break;
      }
      if (entry.DeletedDate !== undefined) leftOut.push(`${name}: is about to be deleted`);
      else if (entry.OwningService !== undefined)
        leftOut.push(`${name}: belongs to ${entry.OwningService}, which rotates it`);
      else secrets.push(ofAws(entry, name));
    }
  } finally {
    asked.close();
  }
  return { source: `AWS Secrets Manager ${region} ${prefix}*`, secrets, leftOut };
}

function ofAws(entry: SecretListEntry, name: string): FoundSecret {
  const tags = new Map((entry.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value.trim()]));
  const [owner] = ['owner', 'Owner', 'team', 'Team'].flatMap((key) => tags.get(key) || []);
  return {
    title: name,
    places: [
      {
        dependent: undefined,
        connector: 'aws-secrets-manager',
        destination: { secret: name },
      },
    ],
    owner: owner?.slice(0, 200),
    notes: [...describedNotes(entry, tags), ...datedNotes(entry)],
  };
}

function describedNotes(
  { Description: description = '' }: SecretListEntry,
  tags: ReadonlyMap<string, string>,
): string[] {
  return [
    ...(description === '' ? [] : [`description: ${description}`]),
    ...(tags.size === 0 ? [] : [`tags: ${[...tags].map((one) => one.join('=')).join(', ')}`]),
  ];
}

function datedNotes({
  LastAccessedDate: read,
  LastChangedDate: changed,
  RotationEnabled: rotates,
}: SecretListEntry): string[] {
  return [
    read === undefined ? 'AWS has seen nobody read it' : `last read on ${dayOf(read)}`,
    ...(changed === undefined ? [] : [`changed on ${dayOf(changed)}`]),
    ...(rotates === true ? ['AWS rotates it itself: end that before rotor does'] : []),
  ];
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 'YYYY-MM-DD'.length);
}

async function listBao(given: Options): Promise<Found> {
  const options = openbaoKv.options.parse(given);
  const { mount, path: below, mostSecrets } = options;
  const kv = await openKv(options);
  const secrets: FoundSecret[] = [];
  const leftOut: string[] = [];
  for await (const path of kv.paths((where, why) => leftOut.push(`${mount}/${where}: ${why}`))) {
    if (secrets.length >= mostSecrets) {
      leftOut.push(`the rest after ${mostSecrets} secrets (--most-secrets)`);
      break;
    }
    try {
      const { keys, notes } = await kv.describe(path);
      secrets.push(...keys.map((key) => ofBao({ mount, path, key }, notes)));
    } catch (error) {
      if (!(error instanceof AdapterError) || isPassing(error.code)) throw error;
      leftOut.push(`${mount}/${path}: ${error.message}`);
    }
  }
  return { source: `OpenBao ${mount}/${below}`, secrets, leftOut };
}

function ofBao(
  destination: { readonly mount: string; readonly path: string; readonly key: string },
  notes: readonly string[],
): FoundSecret {
  const { path, key } = destination;
  const places = [{ dependent: undefined, connector: 'openbao-kv', destination }];
  return { title: `${path} ${key}`, places, notes };
}
