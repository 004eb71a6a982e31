import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect } from 'amqplib';
import { parse } from 'dotenv';
import { target, targetPatience } from '../targets/client.js';
import { openWalk, type Walk } from './walk.js';

const own = `shop-${randomBytes(4).toString('hex')}`;
let walk: Walk;

beforeAll(async () => {
  const rabbit = await target('rabbitmq');
  walk = await openWalk('rabbitmq-pair', {
    substitutions: {
      'http://127.0.0.1:15672': rabbit.url,
      'amqp://127.0.0.1:5672': `amqp://127.0.0.1:${String(rabbit.port)}`,
      '/etc/rotor/rabbitmq-password': rabbit.passwordFile,
      'user: shop': `user: ${own}`,
      'vhost: shop': `vhost: ${own}`,
    },
  });
}, targetPatience);
afterAll(() => walk.close());

const held = (program: string): string =>
  parse(readFileSync(join(walk.folder, `${program}.env`), 'utf8'))['AMQP_URL'] ?? '';

async function logsIn(url: string): Promise<boolean> {
  const connection = await connect(url).catch((error: unknown) => {
    if (String(error).includes('ACCESS-REFUSED')) return undefined;
    throw error;
  });
  await connection?.close();
  return connection !== undefined;
}

const count = (said: string, words: RegExp): number => Number(words.exec(said)?.[1]);

test('the example of a RabbitMQ user for a pair of programs: what its README says is what happens', async () => {
  expect(await walk.until('rotor plan')).toMatch(/wave 1 +canary: consumer/);
  const old = held('publisher');
  const shown = await walk.until('rotor rotate');
  for (const words of [/succeeded/, /✓ consumer +v2 observed/, /✓ publisher +v2 observed/])
    expect(shown).toMatch(words);
  expect(shown).toMatch(/v1 .*revoked/);
  const [second, other] = [held('publisher'), held('consumer')];
  expect([await logsIn(old), second === other]).toEqual([false, true]);
  for (const program of ['publisher', 'consumer']) {
    expect(walk.said(program).match(/connected as/g)).toHaveLength(2);
    expect(walk.said(program)).not.toMatch(/REFUSED/);
  }
  const leaked = await walk.until();
  expect(leaked).toMatch(/11:00/);
  expect(leaked).toMatch(/v2 revoked/);
  expect([await logsIn(second), await logsIn(held('publisher'))]).toEqual([false, true]);
  const [publisher = '', consumer = ''] = await walk.stop();
  for (const said of [publisher, consumer]) expect(said.match(/connected as/g)).toHaveLength(3);
  const published = count(publisher, /publisher: (\d+) orders/);
  expect(published).toBeGreaterThan(30);
  expect(count(consumer, /consumer: (\d+) orders/)).toBeGreaterThanOrEqual(published);
}, 120_000);
