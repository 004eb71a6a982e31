import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { takePosts } from '../notify/receiving.js';
import { eventually, openInstallation, openSecret } from './installation.js';
import { openKillable } from './killable.js';

interface Told {
  readonly id: string;
  readonly events: readonly { readonly kind: string; readonly secret: string | null }[];
}

test('a worker killed between sending and recording: the same event comes again, with the same id; a run tells no value', async () => {
  const receiver = await takePosts();
  const installation = await openInstallation();
  const { folder } = installation;
  try {
    const keyFile = join(folder, 'notify-key');
    writeFileSync(keyFile, randomBytes(32).toString('hex'), { mode: 0o600 });
    const file = join(folder, 'rotor.yaml');
    const to = { kind: 'webhook', url: receiver.url, keyFile };
    const notifications = { routes: [{ name: 'ops', to }] };
    writeFileSync(
      file,
      stringify({ ...(parse(readFileSync(file, 'utf8')) as object), notifications }),
    );
    installation.start('api');
    await installation.ready();
    const worker = openKillable(installation, 'worker');
    const died = worker.diesAt('notify:sent');
    const secret = await openSecret(installation, 'told');
    const runId = await secret.ask('rotate');
    await died;
    await installation.database.ownerPool.query(
      'update rotor.notifications set claimed_until = now()',
    );
    worker.start();
    const all = () => receiver.posts.map((_post, index) => receiver.json<Told>(index));
    const kinds = () => all().flatMap(({ events }) => events.map(({ kind }) => kind));
    await eventually(async () => (await secret.run(runId))['state'] === 'ended');
    await eventually(() => Promise.resolve(kinds().includes('run-finished')));
    const started = all().filter(({ events }) => events[0]?.kind === 'run-started');
    expect(started.length).toBeGreaterThanOrEqual(2);
    expect(new Set(started.map(({ id }) => id)).size).toBe(1);
    await secret.stop();
    const said = receiver.posts.map(({ body }) => body).join();
    for (const value of secret.seen) expect(said).not.toContain(value);
    expect(await installation.api.post('/v1/notifications/ops/test')).toMatchObject({
      state: 'sent',
    });
  } finally {
    await installation.close();
    await receiver.close();
  }
});
