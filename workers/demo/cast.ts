/** Secrets of a demo and the programs that use them, as a table: made by hand, copied to each place, declared, adopted, used. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { ApiClient } from '../../client/http.js';
import { credentialsOf, makeByHand, type AuthorityPlace, type Client } from './authority.js';
import { orphansAmong, type ShownVersion } from './observer.js';
import { destinationOf, valueIn, type Place } from './places.js';
import { startProgram } from './program.js';
import type { Stage } from './stage.js';

export interface CastSecret {
  readonly name: string;
  readonly role: 'Viewer' | 'Contributor';
  readonly users: readonly string[];
  /** What else is declared of it. */
  readonly more?: object;
}

/** With a client at the authority whose credential is older than rotor. */
export type Played<S extends CastSecret = CastSecret> = S & Client;

export const quickPolicy = {
  name: 'quick',
  overlap: '0',
  quietPeriod: '300ms',
  disablePeriod: '0',
  monitorPeriod: '5m',
  timeouts: { mint: '5s', deliver: '5s', prove: '20s' },
};

export function placeIn(folder: string, user: string, secret: string): Place {
  return { source: 'dotenv', file: join(folder, `${user}.${secret}.env`) };
}

/** Each secret exists, and each of its users has a copy. */
export async function makeSecrets<S extends CastSecret>(
  folder: string,
  authority: AuthorityPlace,
  secrets: readonly S[],
): Promise<Played<S>[]> {
  const made = await Promise.all(
    secrets.map(async (secret) => ({ ...secret, ...(await makeByHand(authority, secret)) })),
  );
  for (const { name, users, oldValue } of made) {
    for (const user of users) {
      const { file } = placeIn(folder, user, name);
      writeFileSync(file, `CLIENT_SECRET=${oldValue}\n`, { mode: 0o600 });
    }
  }
  return made;
}

export function usersOf(secrets: readonly CastSecret[]): string[] {
  return [...new Set(secrets.flatMap(({ users }) => users))];
}

/** A program per user, which logs in to each of its secrets in turn. */
export function startUsers(stage: Stage, url: string, secrets: readonly Played[]): void {
  for (const user of usersOf(secrets)) {
    const uses = secrets
      .filter(({ users }) => users.includes(user))
      .map(({ name, clientId }) => ({
        ...placeIn(stage.folder, user, name),
        about: name,
        login: { kind: 'token' as const, url, clientId },
      }));
    const program = startProgram(stage.folder, { name: user, uses });
    stage.atEnd(() => program.kill());
  }
}

export interface Declared {
  readonly policies: readonly object[];
  readonly secrets: readonly Played[];
  /** Of some users' dependencies: what else is declared. */
  readonly moreOf?: (user: string) => object;
}

export function declarations(folder: string, { policies, secrets, moreOf }: Declared): string {
  return stringify({
    organization: 'acme',
    policies,
    dependents: usersOf(secrets).map((name) => ({ name, owner: `team-${name}` })),
    secrets: secrets.map(({ name, role, users, clientId, more }) => ({
      name,
      issuer: 'main',
      owner: 'team-security',
      policy: quickPolicy.name,
      specification: { role, validity: '90d', clientId },
      ...more,
      dependencies: users.map((user) => ({
        dependent: user,
        ...destinationOf(placeIn(folder, user, name)),
        seenAs: { userAgent: `${user}/*` },
        picksUpWithin: '200ms',
        ...moreOf?.(user),
      })),
    })),
  });
}

export async function adopt(api: ApiClient, secrets: readonly Played[]): Promise<void> {
  for (const { name, oldValue: value } of secrets)
    await api.post(`/v1/secrets/acme/${name}/adopt`, { value });
}

/** Over all of them. */
export async function orphansOf(
  authority: AuthorityPlace,
  api: ApiClient,
  secrets: readonly Played[],
): Promise<number> {
  const counts = await Promise.all(
    secrets.map(async ({ name, clientId }) => {
      const { versions } = await api.get<{ versions: ShownVersion[] }>(`/v1/secrets/acme/${name}`);
      return orphansAmong(await credentialsOf(authority, clientId), versions);
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

/** All that lies at the places of these users now, with what was made by hand. */
export function valuesOf(folder: string, secrets: readonly Played[]): string[] {
  const placed = secrets.flatMap(({ name, users }) =>
    users.map((user) => valueIn(placeIn(folder, user, name))),
  );
  return [...new Set([...secrets.map(({ oldValue }) => oldValue), ...placed])];
}
