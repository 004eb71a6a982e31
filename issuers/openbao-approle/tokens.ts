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

/** Whose a token is never changes: each is looked up once. */
export function rememberTokens(bao: Bao): Tokens {
  const known = new Map<string, Lookup | undefined>();
  return {
    of: async (role) => {
      const reply = await bao.ask({ method: 'LIST', path: 'auth/token/accessors' });
      const accessors = keysOf(reply);
      const live = new Set(accessors);
      for (const accessor of known.keys()) if (!live.has(accessor)) known.delete(accessor);
      const fresh = accessors.filter((accessor) => !known.has(accessor));
      await inParallel(fresh, atOnce, async (accessor) => {
        known.set(accessor, await lookUp(bao, accessor));
      });
      return [...known].flatMap(([accessor, token]) =>
        token !== undefined && isOf(token, role) ? [{ accessor, ...readingOf(token) }] : [],
      );
    },
  };
}

const endingMs = 200;
const mostLooks = 5;

/**
 * Ended meanwhile: undefined. For the moment in which a token ends, OpenBao refuses to look it up in the words of a missing right:
 * asked again, it says that there is none.
 */
async function lookUp(bao: Bao, accessor: string, looks = 1): Promise<Lookup | undefined> {
  const path = 'auth/token/lookup-accessor';
  try {
    const reply = await bao.ask({ method: 'POST', path, body: { accessor } });
    return reply.status === 200 ? dataOf(Lookup, reply) : undefined;
  } catch (error) {
    const mayBeEnding = error instanceof AdapterError && error.code === 'not-permitted';
    if (!mayBeEnding || looks === mostLooks) throw error;
    await pause(endingMs);
    return lookUp(bao, accessor, looks + 1);
  }
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
