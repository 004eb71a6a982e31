/** The targets, listed once: names, types and commands derive from here. */
import { keycloak } from './keycloak.js';
import { mariadb } from './mariadb.js';
import { moto } from './moto/index.js';
import { openbao } from './openbao.js';
import { rabbitmq } from './rabbitmq.js';
import { redis } from './redis.js';
import { sshd } from './sshd.js';
import type { Target } from './target.js';

export const targets = [openbao, moto, redis, mariadb, rabbitmq, keycloak, sshd] as const;

export type TargetName = (typeof targets)[number]['name'];

type Listed<Name extends TargetName> = Extract<(typeof targets)[number], { name: Name }>;

/** What a running target of that name gives. */
export type AddressOf<Name extends TargetName> = Awaited<
  ReturnType<Listed<Name>['start']>
>['address'];

export function isTargetName(name: string): name is TargetName {
  return targets.some((target) => target.name === name);
}

export function targetNamed<Name extends TargetName>(name: Name): Target<Name, AddressOf<Name>> {
  const found = targets.find((target) => target.name === name);
  // The list holds the names, so it is there; that it has this name's address is what the types above say.
  return found as unknown as Target<Name, AddressOf<Name>>;
}
