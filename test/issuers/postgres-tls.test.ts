import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { accepts, make, type IssuerUnderTest } from '../../conformance/subject.js';
import { postgres } from '../../issuers/postgres/index.js';
import { certificateFor } from '../connectors/certificate.js';
import { openPostgres, type OwnPostgres } from '../harness/own-postgres.js';
import { contextOf } from './context.js';

let server: OwnPostgres;
let folder: string;
let ca: string;
beforeAll(async () => {
  server = await openPostgres();
  folder = mkdtempSync(join(tmpdir(), 'rotor-postgres-tls-'));
  const { key, cert } = certificateFor('database.test');
  ca = join(folder, 'ca.pem');
  writeFileSync(ca, cert);
  await write('server.key', key);
  await write('server.crt', cert);
  await server.set('ssl', 'on');
  const { username } = new URL(server.url);
  await write(
    'pg_hba.conf',
    `hostnossl all ${username} 127.0.0.1/32 scram-sha-256\nhostssl all all 127.0.0.1/32 scram-sha-256`,
  );
  await server.query('create role orders nologin');
  await server.query('select pg_reload_conf()');
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

/** By the server itself, to which its folder belongs. */
async function write(name: string, text: string): Promise<void> {
  const lines = `select unnest(string_to_array($text$${text.trim()}$text$, E'\\n'))`;
  await server.query(`copy (${lines}) to program 'umask 077; cat > ${name}'`);
}

function subjectAt(encrypted: boolean, more: object = {}): IssuerUnderTest {
  const url = new URL(server.url);
  if (encrypted) url.search = `?sslmode=verify-full&sslrootcert=${encodeURIComponent(ca)}`;
  const adminUrlFile = join(folder, randomUUID());
  writeFileSync(adminUrlFile, url.href, { mode: 0o600 });
  const installation = randomUUID();
  const issuer = postgres.open(postgres.options.parse({ adminUrlFile }), contextOf(installation));
  const specification = { ownerRole: 'orders', database: 'postgres', ...more };
  return {
    issuer,
    installation,
    secret: { secretId: randomUUID(), name: 'acme/orders', specification },
    use: () => Promise.resolve(false),
    plant: () => Promise.resolve(''),
  };
}

test('a server that demands TLS takes the proof as it takes rotor itself, though the value says nothing of it', async () => {
  const subject = subjectAt(true);
  const made = await make(subject);
  expect(new URL(made.value.reveal()).search).toBe('');
  expect(await accepts(subject, made)).toBe(true);
  await subject.issuer.revoke(made);
  expect(await accepts(subject, made)).toBe(false);
});

test('a value says of TLS what its specification does, and is proven so', async () => {
  const subject = subjectAt(true, { sslmode: 'verify-full' });
  const made = await make(subject);
  expect(new URL(made.value.reveal()).search).toBe('?sslmode=verify-full');
  expect(await accepts(subject, made)).toBe(true);
  await subject.issuer.revoke(made);
});

test('a login that pg_hba.conf does not let in from here is neither accepted nor refused', async () => {
  const subject = subjectAt(false);
  const made = await make(subject);
  await expect(accepts(subject, made)).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringMatching(/^pg_hba\.conf .*\(sslmode of the specification\)/),
  });
  await subject.issuer.revoke(made);
  expect(await accepts(subject, made)).toBe(false);
});
