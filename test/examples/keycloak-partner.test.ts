import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse } from 'dotenv';
import { eventually, type Row } from '../faults/installation.js';
import { target, targetPatience } from '../targets/client.js';
import { openWalk, type Walk } from './walk.js';

const realm = `shop-${randomBytes(4).toString('hex')}`;
let walk: Walk;

beforeAll(async () => {
  const keycloak = await target('keycloak');
  walk = await openWalk('keycloak-partner', {
    substitutions: {
      'http://127.0.0.1:8080': keycloak.url,
      'realm: shop': `realm: ${realm}`,
      'user: rotor-admin': `user: ${keycloak.user}`,
      '/etc/rotor/keycloak-password': keycloak.passwordFile,
    },
  });
}, targetPatience);
afterAll(() => walk.close());

const held = (name: string): Readonly<Record<string, string>> =>
  parse(readFileSync(join(walk.folder, `${name}.env`), 'utf8'));

async function isRefused(secret: string): Promise<boolean> {
  const { TOKEN_URL = '', CLIENT_ID = '' } = held('checkout');
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: CLIENT_ID,
    client_secret: secret,
  });
  const { status } = await fetch(TOKEN_URL, { method: 'POST', body });
  expect([200, 401]).toContain(status);
  return status === 401;
}

const tasks = (): Promise<Row[]> => walk.installation.api.get<Row[]>('/v1/tasks');

/** Grace: presses the button behind the link, and types what she sees. */
async function typeIn(printed: string): Promise<void> {
  const [link = '', token = ''] = /https?:\S+#(\S+)/.exec(printed) ?? [];
  const page = await fetch(link, { method: 'POST', body: new URLSearchParams({ token }) });
  const [, value = ''] = /<pre>\n(.*)<\/pre>/s.exec(await page.text()) ?? [];
  walk.answer('partner.mjs', value);
  await eventually(() => Promise.resolve(walk.said('partner.mjs').includes('replaced')));
}

test('the example of a Keycloak secret that a partner types in: what its README says is what happens', async () => {
  const plan = await walk.until('rotor plan');
  expect(plan).toMatch(/wave 1 +canary: checkout\n *wave 2 +people: partner/);
  const { CLIENT_SECRET: old = '' } = held('checkout');
  await walk.until('rotor rotate');
  await eventually(async () => (await tasks()).length > 0);
  expect(await walk.until('rotor tasks')).toMatch(/Grace Partner/);
  expect(await isRefused(old)).toBe(false);
  const [task] = await tasks();
  const ids = { TASK: String(task?.['task']).slice(0, 8), RUN: await walk.lastRun() };
  await typeIn(await walk.until('tasks link', ids));
  await walk.until('tasks confirm', ids);
  const ended = await walk.until('rotor report', ids);
  for (const words of [
    /✓ partner +v2 human/,
    /succeeded/,
    /v1 \| revoked .*tokens may go on for 5m/,
  ])
    expect(ended).toMatch(words);
  const values = ['checkout', 'partner'].map((name) => held(name)['CLIENT_SECRET'] ?? '');
  expect(new Set([...values, old]).size).toBe(2);
  expect([await isRefused(old), await isRefused(values[0] ?? '')]).toEqual([true, false]);
  expect(await walk.until()).toMatch(/09:00/);
  const [checkout = '', partner = ''] = await walk.stop();
  expect(checkout).toMatch(/checkout: \d{2,} tokens, 0 refused, 2 secrets$/);
  expect(partner).toMatch(/partner: \d{2,} tokens, 0 refused, 2 secrets$/);
});
