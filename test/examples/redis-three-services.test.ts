import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse } from 'dotenv';
import { logsIn, urlOf } from '../issuers/redis-subject.js';
import { target, targetPatience } from '../targets/client.js';
import { openWalk, type Walk } from './walk.js';

const user = `shop-${randomBytes(4).toString('hex')}`;
let url: string;
let walk: Walk;

beforeAll(async () => {
  const redis = await target('redis');
  url = urlOf(redis);
  walk = await openWalk('redis-three-services', {
    substitutions: {
      'redis://127.0.0.1:6379': url,
      '/etc/rotor/redis-password': redis.passwordFile,
      'user: shop': `user: ${user}`,
    },
  });
}, targetPatience);
afterAll(() => walk.close());

const held = (name: string): string =>
  parse(readFileSync(join(walk.folder, `${name}.env`), 'utf8'))['REDIS_PASSWORD'] ?? '';

test('the example of one Redis password in three services: what its README says is what happens', async () => {
  const plan = await walk.until('rotor plan');
  expect(plan).toMatch(/wave 1 +back: reports\n *wave 2 +front: checkout, search/);
  const old = held('reports');
  const shown = await walk.until('rotor rotate');
  expect(shown).toMatch(/succeeded/);
  expect(shown).toMatch(/v1 .*revoked/);
  expect(await logsIn(url, { user, value: old, name: 'test' })).toBe(false);
  const values = ['reports', 'checkout', 'search'].map(held);
  expect(new Set(values).size).toBe(1);
  expect(values).not.toContain(old);
  expect(await logsIn(url, { user, value: values[0] ?? '', name: 'test' })).toBe(true);
  expect(await walk.until()).toMatch(/10:00/);
  for (const line of await walk.stop())
    expect(line).toMatch(/^(reports|checkout|search): \d{2,} uses, 0 refused, 2 connections$/);
});
