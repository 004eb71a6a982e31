/** The values in use in a KV engine of OpenBao, below one path. */
import { z } from 'zod';
import type { Looking } from '../../domain/discover/place.js';
import { AdapterError } from '../../domain/errors.js';
import { placeKind } from '../kind.js';
import { openKv, type Kv } from './kv.js';

const Options = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).describe('where OpenBao is'),
  tokenFile: z.string().min(1).describe('a file of mode 0600'),
  namespace: z.string().min(1).optional(),
  mount: z
    .string()
    .regex(/^[\w.-]+(\/[\w.-]+)*$/, 'expected the path of a mount, such as secret')
    .default('secret'),
  path: z.string().max(1_000).default('').describe('nothing: all of the mount'),
  depth: z.number().int().min(0).max(64).default(16).describe('folders below the path'),
  mostSecrets: z.number().int().min(1).max(100_000).default(2_000),
});
type Options = z.output<typeof Options>;

export const openbaoKv = placeKind({
  kind: 'openbao-kv',
  options: Options,
  open: (options) => ({
    name: `OpenBao ${options.mount}/${options.path}`,
    covers: `${options.mount}/${options.path}`,
    look: (looking) => look(options, looking),
  }),
});

async function look(options: Options, looking: Looking): Promise<string> {
  const { mount, mostSecrets } = options;
  const kv = await openKv(options);
  let count = 0;
  const passOver = (path: string, why: string): void => looking.passedOver(`${mount}/${path}`, why);
  for await (const path of kv.paths(passOver)) {
    if (count >= mostSecrets || looking.signal.aborted) {
      looking.passedOver(`${mount}/${options.path}`, `the rest after ${count} secrets`);
      break;
    }
    count += 1;
    await lookAtSecret(looking, kv, { mount, path });
  }
  return `${count} secrets, what is in use of each`;
}

interface Named {
  readonly mount: string;
  readonly path: string;
}

async function lookAtSecret(looking: Looking, kv: Kv, { mount, path }: Named): Promise<void> {
  try {
    for (const [key, value] of Object.entries(await kv.read(path))) {
      const spot = {
        identity: `${mount}/${path}#${key}`,
        declare: { connector: 'openbao-kv', destination: { mount, path, key } },
      };
      if (typeof value === 'string') await looking.met(spot, value);
      else await looking.met({ identity: spot.identity }, JSON.stringify(value));
    }
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    looking.passedOver(`${mount}/${path}`, error.message);
  }
}
