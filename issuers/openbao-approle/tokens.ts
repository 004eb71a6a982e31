/** Tokens that logins with a secret-id opened: they outlive it, and carry its metadata. */
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { AdapterError } from '../../domain/errors.js';
import { inParallel } from '../../domain/in-parallel.js';
import type { OpenUse } from '../../domain/issuer.js';
import { dataOf, keysOf, type Bao } from '../../reach/openbao.js';
import { tagName, type Role } from './secret-ids.js';

export interface Token {
  readonly accessor: string;
  /** Of the secret-id; undefined where it carries none. */
  readonly tag: string | undefined;
  readonly issuedAt: Date;
}

const Lookup = z.object({
  path: z.string(),
  issue_time: z.string().nullish(),
  creation_time: z.number(),
  meta: z.record(z.string(), z.string()).nullish(),
});
type Lookup = z.output<typeof Lookup>;

export interface Tokens {
  of(role: Role): Promise<readonly Token[]>;
}

const atOnce = 16;
/** For so long, an accessor without a token may be one of a login that is under way. */
const loginMs = 60_000;

/** Whose a token is never changes: each is looked up once. */
export function rememberTokens(bao: Bao, now: () => number = Date.now): Tokens {
  const known = new Map<string, Lookup | undefined>();
  const alone = new Map<string, number>();
  const learn = async (accessor: string): Promise<void> => {
    const token = await lookUp(bao, accessor);
    const since = alone.get(accessor) ?? now();
    if (token === 'none yet' && now() - since < loginMs) alone.set(accessor, since);
    else known.set(accessor, token === 'none yet' ? undefined : token);
  };
  return {
    of: async (role) => {
      const reply = await bao.ask({ method: 'LIST', path: 'auth/token/accessors' });
      const accessors = keysOf(reply);
      const live = new Set(accessors);
      for (const seen of [known, alone])
        for (const accessor of seen.keys()) if (!live.has(accessor)) seen.delete(accessor);
      const fresh = accessors.filter((accessor) => !known.has(accessor));
      await inParallel(fresh, atOnce, learn);
      return [...known].flatMap(([accessor, token]) =>
        token !== undefined && isOf(token, role) ? [{ accessor, ...readingOf(token) }] : [],
      );
    },
  };
}

const endingMs = 200;
const mostLooks = 5;

/**
 * Ended meanwhile: undefined. An accessor without a token is refused in the words of a missing right, even to root: for the moment in
 * which a token begins or ends, and for good where OpenBao was killed in it (until `auth/token/tidy`).
 */
async function lookUp(bao: Bao, accessor: string): Promise<Lookup | 'none yet' | undefined> {
  for (let looks = 1; ; looks += 1) {
    try {
      return await askFor(bao, accessor);
    } catch (error) {
      const isRefused = error instanceof AdapterError && error.code === 'not-permitted';
      if (!isRefused || (looks === mostLooks && !(await mayLookUp(bao)))) throw error;
      if (looks === mostLooks) return 'none yet';
      await pause(endingMs);
    }
  }
}

async function askFor(bao: Bao, accessor: string): Promise<Lookup | undefined> {
  const path = 'auth/token/lookup-accessor';
  const reply = await bao.ask({ method: 'POST', path, body: { accessor } });
  return reply.status === 200 ? dataOf(Lookup, reply) : undefined;
}

/** Whoever has the right is told of an accessor that nobody has that there is none. */
function mayLookUp(bao: Bao): Promise<boolean> {
  return askFor(bao, 'that-nobody-has').then(
    () => true,
    () => false,
  );
}

function isOf({ path, meta }: Lookup, { mount, role }: Role): boolean {
  return path === `auth/${mount}/login` && meta?.['role_name'] === role;
}

function readingOf({ meta, issue_time: issued, creation_time: created }: Lookup) {
  return {
    tag: meta?.[tagName],
    issuedAt: typeof issued === 'string' ? new Date(issued) : new Date(created * 1_000),
  };
}

export function openUseOf(tokens: readonly Token[]): OpenUse[] {
  return tokens.map(({ accessor, issuedAt }) => ({
    kind: 'token',
    id: accessor,
    source: {},
    since: issuedAt,
  }));
}

/** Gone already is what was wanted. */
export async function endTokens(bao: Bao, tokens: readonly Token[]): Promise<void> {
  const path = 'auth/token/revoke-accessor';
  for (const { accessor } of tokens) await bao.ask({ method: 'POST', path, body: { accessor } });
}
