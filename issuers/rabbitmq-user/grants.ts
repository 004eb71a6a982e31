/** What a user may do: copied from the template to a version's user, and compared with it afterwards. */
import { z } from 'zod';
import { bodyOf, refuseFailed, type Management } from './management.js';
import type { User } from './users.js';

type GrantKind = 'permissions' | 'topic-permissions' | 'user-limits';

export interface Grant {
  readonly kind: GrantKind;
  /** A virtual host, or the name of a limit. */
  readonly at: string;
  readonly body: Readonly<Record<string, string | number>>;
}

const Permissions = z.array(
  z.object({ vhost: z.string(), configure: z.string(), write: z.string(), read: z.string() }),
);
const TopicPermissions = z.array(
  z.object({ vhost: z.string(), exchange: z.string(), write: z.string(), read: z.string() }),
);

/** Deleted meanwhile: none. */
export async function grantsOf(server: Management, user: User): Promise<Grant[]> {
  const of = async <T>(kind: GrantKind, schema: z.ZodType<T[]>): Promise<T[]> => {
    const reply = await server.ask({ method: 'GET', path: ['users', user.name, kind] });
    return reply.status === 404 ? [] : bodyOf(schema, reply);
  };
  const permissions = await of('permissions', Permissions);
  const topics = await of('topic-permissions', TopicPermissions);
  return [
    ...permissions.map(({ vhost, ...body }): Grant => ({ kind: 'permissions', at: vhost, body })),
    ...topics.map(({ vhost, ...body }): Grant => ({ kind: 'topic-permissions', at: vhost, body })),
    ...Object.entries(user.limits).map(([at, value]): Grant => ({
      kind: 'user-limits',
      at,
      body: { value },
    })),
  ];
}

export async function copyGrants(
  server: Management,
  name: string,
  grants: readonly Grant[],
): Promise<void> {
  for (const { kind, at, body } of grants) {
    const path = kind === 'user-limits' ? [kind, name, at] : [kind, at, name];
    refuseFailed(await server.ask({ method: 'PUT', path, body }), `copy the ${kind} at ${at}`);
  }
}

/** In words; undefined where both may do the same. */
export function differenceOf(
  [template, wanted]: readonly [User, readonly Grant[]],
  [user, found]: readonly [User, readonly Grant[]],
): string | undefined {
  const tags = sameTexts(template.tags, user.tags) ? [] : ['tags'];
  const texts = (grants: readonly Grant[]): string[] => grants.map((one) => textOf(one));
  const [there, here] = [new Set(texts(wanted)), new Set(texts(found))];
  const other = [
    ...wanted.filter((one) => !here.has(textOf(one))),
    ...found.filter((one) => !there.has(textOf(one))),
  ];
  const what = [...tags, ...other.map(({ kind, at }) => `${kind} at ${at}`)];
  return what.length === 0 ? undefined : [...new Set(what)].join(', ');
}

function textOf({ kind, at, body }: Grant): string {
  const parts = Object.entries(body).sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify([kind, at, parts]);
}

function sameTexts(one: readonly string[], other: readonly string[]): boolean {
  return JSON.stringify([...one].sort()) === JSON.stringify([...other].sort());
}
