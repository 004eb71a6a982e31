/** What of a realm decides how its client secrets behave: rotation policies, and how long tokens live. */
import { z } from 'zod';
import { AdapterError } from '../../domain/errors.js';
import { bodyOf, type Admin } from './admin.js';
import type { Periods } from './clients.js';

const Realm = z.object({ accessTokenLifespan: z.number().optional() });

export async function tokenLifespanOf(admin: Admin): Promise<number> {
  const reply = await admin.ask({ method: 'GET', path: '', right: 'view-realm' });
  const { accessTokenLifespan } = bodyOf(Realm, reply, admin.realm);
  // Whoever lacks the role is shown the name of the realm, and is not refused.
  if (accessTokenLifespan !== undefined) return accessTokenLifespan;
  throw new AdapterError(
    'not-permitted',
    `rotor's login lacks the role view-realm (of realm-management) in realm ${admin.realm}`,
  );
}

const Policies = z.object({
  policies: z.array(
    z.object({ enabled: z.boolean().default(false), profiles: z.array(z.string()).default([]) }),
  ),
});
const Profiles = z.object({
  profiles: z.array(
    z.object({
      name: z.string(),
      executors: z
        .array(
          z.object({
            executor: z.string(),
            configuration: z.record(z.string(), z.unknown()).default({}),
          }),
        )
        .default([]),
    }),
  ),
});

/** Of the enabled policies that rotate secrets, the shortest; undefined where there is none. */
export async function rotationOf(admin: Admin): Promise<Periods | undefined> {
  const read = async <T>(what: string, schema: z.ZodType<T>): Promise<T> => {
    const path = `/client-policies/${what}`;
    const reply = await admin.ask({ method: 'GET', path, right: 'view-realm' });
    return bodyOf(schema, reply, admin.realm);
  };
  const { policies } = await read('policies', Policies);
  const inUse = new Set(policies.flatMap(({ enabled, profiles }) => (enabled ? profiles : [])));
  const { profiles } = await read('profiles', Profiles);
  const rotating = profiles
    .filter(({ name }) => inUse.has(name))
    .flatMap(({ executors }) => executors.filter(({ executor }) => executor === 'secret-rotation'));
  if (rotating.length === 0) return undefined;
  const shortest = (key: string): number =>
    Math.min(...rotating.map(({ configuration }) => periodOf(configuration[key])));
  return {
    secretSeconds: shortest('expiration-period'),
    rotatedSeconds: shortest('rotated-expiration-period'),
  };
}

function periodOf(configured: unknown): number {
  const seconds = Number(configured);
  if (Number.isFinite(seconds) && seconds > 0) return seconds;
  throw new AdapterError('refused', "the realm's rotation policy says no period");
}
