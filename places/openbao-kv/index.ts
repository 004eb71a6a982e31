/** The values in use in a KV engine of OpenBao, below one path. */
import { z } from 'zod';
import type { Looking } from '../../domain/discover/place.js';
import { AdapterError } from '../../domain/errors.js';
import { baoAccess, BaoPath, isOneLogin, oneLogin } from '../../reach/openbao.js';
import { kvIdentity } from '../../reach/openbao-kv.js';
import { placeKind } from '../kind.js';
import { openKv, withSlash, type Kv } from './kv.js';

const Options = z
  .strictObject({
    ...baoAccess,
    mount: BaoPath.default('secret').describe('a KV mount of either version'),
    path: z.string().max(1_000).default('').describe('nothing: all of the mount'),
    depth: z.number().int().min(0).max(64).default(16).describe('folders below the path'),
    mostSecrets: z.number().int().min(1).max(100_000).default(2_000),
  })
  .refine(isOneLogin, oneLogin);
type Options = z.output<typeof Options>;

export const openbaoKv = placeKind({
  kind: 'openbao-kv',
  options: Options,
  open: (options) => ({
    name: `OpenBao ${options.mount}/${options.path}`,
    covers: identityOf(options, withSlash(options.path)),
    check: async (signal) => (await openKv({ ...options, signal })).check(),
    look: (looking) => look(options, looking),
  }),
});

/** Begins those of what lies there, as the connector spells them. */
function identityOf(
  { namespace, mount }: Pick<Options, 'namespace' | 'mount'>,
  path: string,
): string {
  return `${namespace ?? ''}/${mount}/${path}`;
}

async function look(options: Options, looking: Looking): Promise<string> {
  const { namespace, mount, mostSecrets } = options;
  const kv = await openKv(options);
  let count = 0;
  const passOver = (path: string, why: string): void =>
    looking.passedOver(identityOf(options, path), why);
  for await (const path of kv.paths(passOver)) {
    if (count >= mostSecrets || looking.signal.aborted) {
      passOver(withSlash(options.path), `the rest after ${count} secrets`);
      break;
    }
    count += 1;
    await lookAtSecret(looking, kv, { namespace, mount, path });
  }
  return `${count} secrets, what is in use of each`;
}

interface Named {
  readonly namespace: string | undefined;
  readonly mount: string;
  readonly path: string;
}

async function lookAtSecret(
  looking: Looking,
  kv: Kv,
  { namespace, mount, path }: Named,
): Promise<void> {
  try {
    for (const [key, value] of Object.entries(await kv.read(path))) {
      const spot = {
        identity: kvIdentity({ mount, path, key }, namespace),
        declare: { connector: 'openbao-kv', destination: { mount, path, key } },
      };
      if (typeof value === 'string') await looking.met(spot, value);
      else await looking.met({ identity: spot.identity }, JSON.stringify(value));
    }
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    looking.passedOver(identityOf({ namespace, mount }, path), error.message);
  }
}
