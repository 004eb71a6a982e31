import { randomUUID } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { issuerKinds } from '../../issuers/index.js';
import { askedAt, everyKind, issuersAt, type Asked } from './kinds-at.js';
import { toldBy } from './leaking-server.js';
import {
  plainPostgres,
  saysAsMariaDb,
  saysAsPostgres,
  saysAsRedis,
  saysOverHttp,
  untrusted,
  untrustedPostgres,
  type Unfit,
} from './unfit-servers.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rotor-faults-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function facing(
  server: Promise<Unfit>,
  { kind, tls }: { readonly kind: string; readonly tls: boolean },
  work: (asked: Asked) => Promise<void>,
): Promise<void> {
  const { port, close } = await server;
  try {
    await work(askedAt(kind, { port, tls, folder }));
  } finally {
    close();
  }
}

/** By its protocol; the others speak HTTP. */
const overHttp = everyKind.filter(
  (kind) => !['mariadb-user', 'postgres', 'redis-acl'].includes(kind),
);

test('every kind of issuer but the built-in one is held to what follows', () => {
  const kinds: readonly string[] = issuerKinds.map(({ kind }) => kind);
  expect(issuersAt).toEqual(kinds.filter((kind) => kind !== 'client-secrets'));
});

describe('an address of an issuer, a connector or a store', () => {
  test.each(everyKind)('%s: where nobody is, is tried again', async (kind) => {
    const { list } = askedAt(kind, { port: 1, tls: false, folder });
    await expect(list?.()).rejects.toMatchObject({ name: 'AdapterError', code: 'unreachable' });
  });

  const untrustedOf = (kind: string) => (kind === 'postgres' ? untrustedPostgres() : untrusted());
  const withoutTlsOf = (kind: string) =>
    kind === 'postgres' ? plainPostgres() : saysOverHttp(400, '{}');
  const notTrusted = /certificate .* not trusted .*NODE_EXTRA_CA_CERTS/;

  // MariaDB shows its certificate in the middle of its own greeting: tested at the real one.
  const within = everyKind.filter((kind) => kind !== 'mariadb-user' && !kind.startsWith('aws-'));

  test.each(within)('%s: with a certificate that is not trusted: a person is told', (kind) =>
    facing(untrustedOf(kind), { kind, tls: true }, async ({ list }) => {
      const told = { code: 'refused', message: expect.stringMatching(notTrusted) };
      await expect(list?.()).rejects.toMatchObject(told);
    }),
  );

  test.each(within)('%s: that speaks no TLS: a person is told', (kind) =>
    facing(withoutTlsOf(kind), { kind, tls: true }, async ({ list }) => {
      const told = { code: 'refused', message: expect.stringMatching(/TLS/) };
      await expect(list?.()).rejects.toMatchObject(told);
    }),
  );

  test('AWS: both are told, too', async () => {
    const servers = [await untrusted(), await saysOverHttp(400, '{}')];
    const ports = servers.map(({ port }) => String(port));
    const { stdout } = await promisify(execFile)(process.execPath, [
      join(import.meta.dirname, 'asked-process.js'),
      folder,
      ...ports,
    ]);
    for (const { close } of servers) close();
    const told = ['aws-iam-access-key', 'aws-secrets-manager'].flatMap((kind) => [
      { kind, code: 'refused', message: expect.stringMatching(notTrusted) },
      { kind, code: 'refused', message: expect.stringMatching(/does not speak TLS/) },
    ]);
    expect(JSON.parse(stdout)).toEqual(told);
  });
});

/** Without an answer that it understands, an adapter says so; that a value is none of that credential it may know by itself. */
const needed: Readonly<Record<string, RegExp>> = {
  list: /AdapterError/,
  mint: /AdapterError/,
  revoke: /AdapterError/,
  deliver: /AdapterError/,
  forget: /AdapterError/,
  withdraw: /AdapterError/,
  put: /AdapterError/,
  destroy: /AdapterError/,
  verify: /AdapterError|CredentialRefused/,
};

/** Nothing of it is told, whatever was asked for; and nothing counts as done. */
async function expectSilence(asked: Asked, planted: string, done?: string): Promise<void> {
  for (const [name, work] of Object.entries(asked)) {
    const told = await toldBy(work());
    const isSaid = name === done || needed[name]?.test(told) !== false;
    expect({ name, isSaid, told: told.includes(planted) }).toEqual({
      name,
      isSaid: true,
      told: false,
    });
  }
}

describe('a server that is another one', () => {
  const answers: [number, string][] = [
    [200, '{"error":"PLANTED","data":"PLANTED"}'],
    [200, '<html>PLANTED</html>'],
    [200, ''],
    [204, ''],
    [404, '{"error":"PLANTED","data":"PLANTED"}'],
    [404, '<html>PLANTED</html>'],
    [404, ''],
  ];
  const cases = overHttp.flatMap((kind) => answers.map((answer) => ({ kind, answer })));
  test.each(cases)(
    '%j to everything: nothing was done, and nothing is lost',
    async ({ kind, answer: [status, body] }) => {
      const planted = `planted-${randomUUID()}`;
      const server = saysOverHttp(status, body.replaceAll('PLANTED', planted));
      await facing(server, { kind, tls: false }, (asked) =>
        // By the protocol of one's own servers a status says that it is gone; the proof that follows tells.
        expectSilence(asked, planted, kind === 'http' ? 'revoke' : undefined),
      );
    },
  );
});

describe('nothing that a server says in words goes on', () => {
  const statuses = [400, 401, 403, 409, 413, 429, 500, 503];
  test.each(overHttp.flatMap((kind) => statuses.map((status) => [kind, status] as const)))(
    '%s: HTTP %i',
    async (kind, status) => {
      const planted = `planted-${randomUUID()}`;
      const body = JSON.stringify({ __type: planted, message: planted, errors: [planted] });
      await facing(saysOverHttp(status, body), { kind, tls: false }, (asked) =>
        expectSilence(asked, planted),
      );
    },
  );

  test.each([
    ['redis-acl', 'NOPERM', saysAsRedis],
    ['redis-acl', 'ERR', saysAsRedis],
    ['redis-acl', 'UNKNOWN', saysAsRedis],
    ['postgres', '28P01', saysAsPostgres],
    ['postgres', '42501', saysAsPostgres],
    ['postgres', 'XX000', saysAsPostgres],
  ] as const)('%s: %s', async (kind, word, says) => {
    const planted = `planted-${randomUUID()}`;
    await facing(says(word, planted), { kind, tls: false }, (asked) =>
      expectSilence(asked, planted),
    );
  });

  test.each([1040, 1130, 1227, 4151])('mariadb-user: error %i', async (number) => {
    const planted = `planted-${randomUUID()}`;
    await facing(saysAsMariaDb(number, planted), { kind: 'mariadb-user', tls: false }, (asked) =>
      expectSilence(asked, planted),
    );
  });
});
