/** Values as secrets of OpenBao's KV (version 2), one for each version: written once, and gone for good when destroyed. */
import { z } from 'zod';
import { AdapterError } from '../../domain/errors.js';
import { SecretValue } from '../../domain/secret-value.js';
import type { Store } from '../../domain/store.js';
import { baoAccess, BaoPath, isOneLogin, oneLogin, openBao } from '../../reach/openbao.js';
import { openKv, type KvSecret } from '../../reach/openbao-kv.js';
import { storeKind } from '../kind.js';
import { isSame } from '../../reach/same.js';

export const openbaoKv = storeKind({
  kind: 'openbao-kv',
  options: z
    .strictObject({
      ...baoAccess,
      mount: BaoPath.default('secret').describe('a KV mount of version 2'),
      path: BaoPath.default('rotor').describe('below which nobody but rotor reads or writes'),
    })
    .refine(isOneLogin, oneLogin),
  place: ({ namespace, mount, path }) => `openbao-kv ${namespace ?? ''}/${mount}/${path}`,
  open: ({ mount, path, ...access }) => {
    const kv = openKv(openBao(access));
    return open((versionId) => kv({ mount, path: `${path}/${versionId}` }));
  },
});

type At = (versionId: string) => KvSecret;

function open(at: At): Store {
  return {
    kind: 'openbao-kv',
    put: (versionId, value) => put(at(versionId), versionId, value),
    get: (versionId) => get(at(versionId), versionId),
    destroy: (versionId) => destroy(at(versionId)),
  };
}

const Kept = z.object({ version: z.string(), value: z.string() });

/** A second writer at the same moment is refused by OpenBao, and finds what the first one wrote. */
async function put(secret: KvSecret, versionId: string, value: SecretValue): Promise<void> {
  if ((await secret.look()) === undefined) {
    const fields = { version: versionId, value: value.reveal() };
    const isFirst = await secret.write(fields, 0).then(() => true, falseWhereOvertaken);
    if (isFirst) return;
  }
  const kept = await get(secret, versionId);
  if (kept !== undefined && isSame(kept.reveal(), value.reveal())) return;
  throw new AdapterError('refused', 'another value is kept under this version, or was destroyed');
}

function falseWhereOvertaken(error: unknown): false {
  if (error instanceof AdapterError && error.code === 'changed-meanwhile') return false;
  throw error;
}

async function get(secret: KvSecret, versionId: string): Promise<SecretValue | undefined> {
  const state = await secret.look();
  const fields = state?.current === 1 ? await secret.read(1) : undefined;
  if (state === undefined || (fields === undefined && state.current <= 1)) return undefined;
  const parsed = Kept.safeParse(fields);
  if (parsed.success && parsed.data.version === versionId)
    return new SecretValue(parsed.data.value);
  throw new AdapterError('unreadable', 'a value in OpenBao was changed, or is of another version');
}

/** The whole secret: its metadata would keep what was merely deleted. */
async function destroy(secret: KvSecret): Promise<void> {
  await secret.remove();
  if ((await secret.look()) === undefined) return;
  throw new AdapterError('bad-reply', 'OpenBao still has the value that it was to destroy');
}
