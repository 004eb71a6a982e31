import { expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateIdentity } from 'age-encryption';
import { parse, stringify } from 'yaml';
import { baoAdmin } from '../connectors/bao-places.js';
import { openInstallation, openSecret, type Row } from '../faults/installation.js';
import { openKillable } from '../faults/killable.js';
import { surviveKill } from '../faults/killed-worker.js';
import { target, targetPatience } from '../targets/client.js';

async function files(folder: string): Promise<object> {
  const [values, identityFile] = [join(folder, 'values'), join(folder, 'identity')];
  mkdirSync(values, { mode: 0o700 });
  writeFileSync(identityFile, `${await generateIdentity()}\n`, { mode: 0o600 });
  return { kind: 'file', folder: values, identityFile };
}

async function openbao(): Promise<object> {
  const admin = baoAdmin(await target('openbao'));
  const { url, tokenFile } = admin;
  return { kind: 'openbao-kv', url, tokenFile, mount: await admin.mount() };
}

test.each([
  ['files', files],
  ['OpenBao', openbao],
] as const)(
  'values in %s: rotated though the worker is killed, known again, and none of them in the database',
  async (_, storeIn) => {
    const installation = await openInstallation();
    const { api, folder, database } = installation;
    const file = join(folder, 'rotor.yaml');
    const configuration = parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, stringify({ ...configuration, store: await storeIn(folder) }));
    installation.start('api');
    await installation.ready();
    const worker = openKillable(installation, 'worker');
    await surviveKill(installation, worker, { kind: 'rotate', point: 'create:minted' });
    const secret = await openSecret(installation, 'other');
    expect(await api.post<Row[]>('/v1/identify', { value: secret.oldValue })).toMatchObject([
      { secret: 'acme/other', version: 'v1' },
    ]);
    await secret.stop();
    const { rows } = await database.pool.query<Row>(
      `select (select count(*) from sealed.values)::int as sealed,
         (select count(*) from sealed.places)::int as placed`,
    );
    expect(rows).toEqual([{ sealed: 0, placed: 2 }]);
    await installation.close();
  },
  targetPatience,
);
