/** What was looked up once: a secret-id never changes, so that a long list costs a call for each new one alone. */
import { inParallel } from '../../domain/in-parallel.js';
import type { Bao } from '../../reach/openbao.js';
import { accessorsOf, findByAccessor, type Role, type SecretId } from './secret-ids.js';

export interface KnownIds {
  /** Those that live now. */
  live(role: Role): Promise<readonly SecretId[]>;
  /** Seen on another way. */
  note(role: Role, id: SecretId): void;
  /** Those too that were seen alive by this process, and are gone. */
  everSeen(role: Role): readonly SecretId[];
}

const atOnce = 16;
/** Of one role; the oldest that are gone are forgotten first. */
const mostGone = 5_000;

export function rememberIds(bao: Bao): KnownIds {
  const byRole = new Map<string, Map<string, SecretId>>();
  const known = (role: Role): Map<string, SecretId> => {
    const key = JSON.stringify([role.mount, role.role]);
    const found = byRole.get(key) ?? new Map<string, SecretId>();
    byRole.set(key, found);
    return found;
  };
  return {
    note: (role, id) => void known(role).set(id.accessor, id),
    everSeen: (role) => [...known(role).values()],
    live: async (role) => {
      const ids = known(role);
      const accessors = await accessorsOf(bao, role);
      const fresh = accessors.filter((accessor) => !ids.has(accessor));
      await inParallel(fresh, atOnce, async (accessor) => {
        const found = await findByAccessor(bao, role, accessor);
        if (found !== undefined) ids.set(accessor, found);
      });
      const live = new Set(accessors);
      forgetGone(ids, live);
      return [...ids.values()].filter((id) => live.has(id.accessor) && !isOver(id));
    },
  };
}

/** Listed until somebody tidies up, and refused. */
function isOver({ expiresAt }: SecretId): boolean {
  return expiresAt !== undefined && expiresAt.getTime() <= Date.now();
}

function forgetGone(ids: Map<string, SecretId>, live: ReadonlySet<string>): void {
  const gone = [...ids.keys()].filter((accessor) => !live.has(accessor));
  for (const accessor of gone.slice(0, Math.max(0, gone.length - mostGone))) ids.delete(accessor);
}
