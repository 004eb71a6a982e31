/** Temporal behind TLS, with everything taken from the environment as a process of rotor does. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import type { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import type { TemporalAccess } from '../../infra/temporal-access.js';
import { connectTemporal } from '../../infra/temporal-connection.js';
import { faultAfter } from '../../infra/temporal-fault.js';
import { prepareNamespace } from '../../infra/temporal-namespace.js';
import { readTemporalOnly } from '../../workers/settings.js';
import { certificateFor } from '../connectors/certificate.js';
import { sharedTemporal } from '../harness/temporal.js';
import {
  openTemporalProxy,
  serverName,
  type ProxyOptions,
  type TemporalProxy,
} from './temporal-proxy.js';

const unauthenticated = 16;
const permissionDenied = 7;

const folder = mkdtempSync(join(tmpdir(), 'rotor-temporal-access-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

function file(text: string): string {
  const path = join(folder, randomBytes(4).toString('hex'));
  writeFileSync(path, text);
  return path;
}

async function proxied(options?: ProxyOptions): Promise<TemporalProxy> {
  const proxy = await openTemporalProxy(options);
  opened.push(proxy);
  return proxy;
}

function access(environment: Record<string, string>): TemporalAccess {
  const { temporal } = readTemporalOnly(environment);
  if (temporal === undefined) throw new Error('no address');
  return temporal;
}

async function connected(
  environment: Record<string, string>,
  withinMs = 10_000,
): Promise<Connection> {
  const connection = await connectTemporal(access(environment), withinMs);
  opened.push(connection);
  return connection;
}

function trusting({ address, certificate }: TemporalProxy): Record<string, string> {
  return {
    TEMPORAL_ADDRESS: address,
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: file(certificate),
  };
}

function asClient({ key, cert }: { key: string; cert: string }): Record<string, string> {
  return {
    TEMPORAL_TLS_CLIENT_CERT_PATH: file(cert),
    TEMPORAL_TLS_CLIENT_KEY_PATH: file(key),
  };
}

async function retention(connection: Connection): Promise<number> {
  const { config } = await connection.workflowService.describeNamespace({ namespace: 'default' });
  return Number(config?.workflowExecutionRetentionTtl?.seconds);
}

describe('a connection by TLS', () => {
  test('is made where who signed the certificate is named, by its address or by the name given', async () => {
    const proxy = await proxied();
    expect(await retention(await connected(trusting(proxy)))).toBeGreaterThan(0);
    const named = { ...trusting(proxy), TEMPORAL_TLS_SERVER_NAME: serverName };
    expect(await retention(await connected(named))).toBeGreaterThan(0);
  });

  test('is refused at once where nobody known signed the certificate, or it holds another name', async () => {
    const proxy = await proxied();
    const unknown = { TEMPORAL_ADDRESS: proxy.address, TEMPORAL_TLS: 'true' };
    await expect(connected(unknown)).rejects.toMatchObject({
      code: 'temporal-certificate-refused',
      message: expect.stringContaining('DEPTH_ZERO_SELF_SIGNED_CERT'),
      hint: expect.stringContaining('TEMPORAL_TLS_SERVER_CA_CERT_PATH'),
    });
    const other = { ...trusting(proxy), TEMPORAL_TLS_SERVER_NAME: 'other.test' };
    await expect(connected(other)).rejects.toMatchObject({
      code: 'temporal-certificate-refused',
      message: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID'),
    });
    expect(proxy.calls).toEqual([]);
  });

  test('shows the client certificate where the server asks for one', async () => {
    const rotor = certificateFor('rotor.test');
    const proxy = await proxied({ clients: rotor.cert });
    expect(
      await retention(await connected({ ...trusting(proxy), ...asClient(rotor) })),
    ).toBeGreaterThan(0);
    const stranger = asClient(certificateFor('stranger.test'));
    for (const shown of [{}, stranger])
      await expect(connected({ ...trusting(proxy), ...shown }, 200)).rejects.toMatchObject({
        code: 'temporal-not-permitted',
        hint: expect.stringContaining('TEMPORAL_TLS_CLIENT_CERT_PATH'),
      });
  });

  test('tells a server that speaks no TLS, or nothing else, from one that is gone', async () => {
    const proxy = await proxied();
    await expect(connected({ TEMPORAL_ADDRESS: proxy.address }, 200)).rejects.toMatchObject({
      code: 'temporal-other-protocol',
      hint: expect.stringContaining('TEMPORAL_TLS=true'),
    });
    const plain = { TEMPORAL_ADDRESS: sharedTemporal().address, TEMPORAL_TLS: 'true' };
    await expect(connected(plain, 200)).rejects.toMatchObject({ code: 'temporal-other-protocol' });
    const gone = { TEMPORAL_ADDRESS: '127.0.0.1:1', TEMPORAL_TLS: 'true' };
    await expect(connected(gone, 200)).rejects.toMatchObject({
      code: 'temporal-unreachable',
    });
  });
});

describe('an API key', () => {
  test('is on each call, by TLS unless told otherwise, and a refusal of it is told', async () => {
    const proxy = await proxied({
      refuses: ({ authorization }) =>
        authorization === 'Bearer right-key' ? undefined : unauthenticated,
    });
    const ca = trusting(proxy);
    const connection = await connected({ ...ca, TEMPORAL_API_KEY_FILE: file('right-key\n') });
    expect(await retention(connection)).toBeGreaterThan(0);
    expect(proxy.calls.map(({ name }) => name)).toContain('DescribeNamespace');
    expect(new Set(proxy.calls.map((call) => call.authorization))).toEqual(
      new Set(['Bearer right-key']),
    );
    await expect(connected({ ...ca, TEMPORAL_API_KEY: 'wrong-key' })).rejects.toMatchObject({
      code: 'temporal-not-permitted',
      hint: expect.stringContaining('TEMPORAL_API_KEY_FILE'),
      message: expect.not.stringContaining('wrong-key'),
    });
  });
});

describe('preparing a namespace where rotor may only run workflows', () => {
  const reads = ['GetSystemInfo', 'DescribeNamespace', 'CountWorkflowExecutions'];
  const restricted = (): Promise<TemporalProxy> =>
    proxied({ refuses: ({ name }) => (reads.includes(name) ? undefined : permissionDenied) });

  test('asks for nothing more where all is right', async () => {
    const proxy = await restricted();
    await prepareNamespace(await connected(trusting(proxy)), sharedTemporal().namespace);
    expect(proxy.calls.map(({ name }) => name)).toEqual(reads);
  });

  test('says what is missing and how to mend it, on Temporal Cloud too', async () => {
    const connection = await connected(trusting(await restricted()));
    const direct = await connected({ TEMPORAL_ADDRESS: sharedTemporal().address });
    const namespace = `test-${randomBytes(4).toString('hex')}`;
    const wants = {
      code: 'namespace-not-prepared',
      message: expect.stringMatching(/30 days or more and the search attributes RotorSecret/),
      hint: expect.stringContaining('tcld namespace search-attributes add'),
    };
    await expect(prepareNamespace(connection, namespace)).rejects.toMatchObject(wants);
    for (const days of [1, 30]) {
      const there = `${namespace}-${String(days)}`;
      await direct.workflowService.registerNamespace({
        namespace: there,
        workflowExecutionRetentionPeriod: msToTs(days * 86_400_000),
      });
      await expect(prepareNamespace(connection, there)).rejects.toMatchObject(wants);
    }
  });

  test('a refusal of the call itself is no fault of the connection', async () => {
    const proxy = await proxied();
    const connection = await connected(trusting(proxy));
    const call = connection.workflowService.describeNamespace({ namespace: 'there-is-none' });
    const error: unknown = await call.catch((caught: unknown) => caught);
    expect(await faultAfter(error, access(trusting(proxy)))).toBeUndefined();
  });
});
