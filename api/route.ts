/** What a route is: data, so that a test can go over all of them with every role. */
import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import type { Principal } from '../infra/registry/access-tokens.js';
import type { Right } from '../domain/role.js';

export interface Call<B> {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: B;
  readonly by: Principal;
  readonly idempotencyKey: string | undefined;
}

/** Everybody's keys are their own; without one, each call is another. */
export function keyOf({
  by,
  idempotencyKey,
}: Pick<Call<unknown>, 'by' | 'idempotencyKey'>): string {
  return `${by.name}:${idempotencyKey ?? randomUUID()}`;
}

export interface Route<B = unknown> {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  readonly right: Right;
  readonly body?: z.ZodType<B>;
  handle(call: Call<B>): Promise<unknown>;
}

export function route<B>(definition: Route<B>): Route {
  return definition as Route;
}
