/** Bearer tokens of the API: shown once, kept as a hash, each with a holder, a role and an end. */
import { randomBytes } from 'node:crypto';
import { RotorError } from '../../domain/errors.js';
import type { Role } from '../../domain/role.js';
import { inTransaction, type Queryable } from '../postgres.js';
import { noteInstallation, type TrailParts } from './installation-trail.js';
import { hashOf } from './token-hash.js';

export interface Principal {
  readonly name: string;
  readonly holder: 'person' | 'service';
  /** Undefined: every organization. */
  readonly organization: string | undefined;
  readonly role: Role;
  /** Who holds it; several tokens may be one person's. Undefined: a program does. */
  readonly person: string | undefined;
}

export interface TokenRequest extends Principal {
  readonly expiresAt: Date;
}

export interface ListedToken extends Principal {
  readonly id: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly revokedAt: Date | undefined;
}

/** Returns the token: nobody can read it again. Throws `token-exists` where a token of that name is good. */
export async function createAccessToken(
  parts: TrailParts,
  request: TokenRequest,
  by: string,
): Promise<string> {
  const token = `rotor_pat_${randomBytes(32).toString('base64url')}`;
  await inTransaction(parts.pool, async (db) => {
    await insertToken(db, request, hashOf(token));
    await noteInstallation(parts, db, {
      actor: by,
      event: { change: 'token-created', ...request },
    });
  });
  return token;
}

async function insertToken(db: Queryable, request: TokenRequest, hash: Buffer): Promise<void> {
  const organizationId = await organizationIdOf(db, request.organization);
  const { rowCount } = await db.query(
    `insert into rotor.access_tokens (name, holder, organization_id, role, hash, expires_at, person)
     values ($1, $2, $3, $4, $5, $6, $7) on conflict (name) where revoked_at is null do nothing`,
    [
      request.name,
      request.holder,
      organizationId,
      request.role,
      hash,
      request.expiresAt,
      request.person ?? null,
    ],
  );
  if (rowCount === 1) return;
  throw new RotorError('token-exists', `there is a token ${request.name} already`, {
    kind: 'conflict',
    hint: `rotor token revoke ${request.name} first, or choose another name`,
  });
}

/** Null of none; of one that is not there it is told, so that a slip does not look like nothing found. */
export async function organizationIdOf(
  db: Queryable,
  name: string | undefined,
): Promise<string | null> {
  if (name === undefined) return null;
  const { rows } = await db.query<{ id: string }>(
    'select id from rotor.organizations where name = $1',
    [name],
  );
  const id = rows[0]?.id;
  if (id !== undefined) return id;
  throw new RotorError('no-such-organization', `there is no organization ${name}`, {
    kind: 'missing',
  });
}

/** Undefined where the token is unknown, expired or revoked: nobody learns which. */
export async function principalOf(db: Queryable, token: string): Promise<Principal | undefined> {
  const { rows } = await db.query<
    Omit<Principal, 'organization' | 'person'> & {
      organization: string | null;
      person: string | null;
    }
  >({
    name: 'principal',
    text: `select t.name, t.holder, t.person, o.name as organization, t.role
           from rotor.access_tokens t left join rotor.organizations o on o.id = t.organization_id
           where t.hash = $1 and t.revoked_at is null and t.expires_at > clock_timestamp()`,
    values: [hashOf(token)],
  });
  const found = rows[0];
  return found === undefined
    ? undefined
    : {
        ...found,
        organization: found.organization ?? undefined,
        person: found.person ?? undefined,
      };
}

/** `organization` undefined: all of them. */
export async function listAccessTokens(
  db: Queryable,
  organization: string | undefined,
): Promise<ListedToken[]> {
  const { rows } = await db.query<ListedToken>(
    `select t.id, t.name, t.holder, t.person, o.name as organization, t.role, t.created_at as "createdAt",
       t.expires_at as "expiresAt", t.revoked_at as "revokedAt"
     from rotor.access_tokens t left join rotor.organizations o on o.id = t.organization_id
     where $1::text is null or o.name = $1 order by t.created_at`,
    [organization ?? null],
  );
  return rows;
}

export interface TokenRevocation {
  readonly name: string;
  /** Only a token of this organization; undefined: any. */
  readonly organization: string | undefined;
  readonly by: string;
}

/** False where there is none of that name. */
export async function revokeAccessToken(
  parts: TrailParts,
  { name, organization, by }: TokenRevocation,
): Promise<boolean> {
  return inTransaction(parts.pool, async (db) => {
    const { rowCount } = await db.query(
      `update rotor.access_tokens t set revoked_at = clock_timestamp()
       where t.name = $1 and t.revoked_at is null and ($2::text is null or exists
         (select from rotor.organizations o where o.id = t.organization_id and o.name = $2))`,
      [name, organization ?? null],
    );
    if (rowCount !== 1) return false;
    await noteInstallation(parts, db, { actor: by, event: { change: 'token-revoked', name } });
    return true;
  });
}
