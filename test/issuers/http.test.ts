import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { namedMintChecks } from '../../conformance/named-mints.js';
import { accepts, codeOf, day, make, ordered } from '../../conformance/subject.js';
import { SecretValue } from '../../domain/secret-value.js';
import { http } from '../../issuers/http/index.js';
import { certificateFor } from '../connectors/certificate.js';
import { describeIssuer } from '../contracts/hold-to-issuer.js';
import { packageRoot } from '../../infra/package-root.js';
import { contextOf } from './context.js';
import { openApiDocument } from './http-openapi.js';
import {
  meddled,
  optionsFor,
  sampleTraits,
  startSample,
  subjectAt,
  type Answered,
  type Meddle,
  type Sample,
} from './own-server.js';

let sample: Sample;
beforeAll(async () => {
  sample = await startSample();
});
afterAll(() => sample.stop());

const traits = http.traits(optionsFor({ tokenFile: '/token' }, 'http://127.0.0.1:1'));
describeIssuer({ name: 'http', traits }, () => Promise.resolve(subjectAt(sample)));

describe.each([120_000, -120_000])('http at a server whose clock is %i ms ahead', (aheadMs) => {
  let other: Sample;
  beforeAll(async () => {
    other = await startSample({ aheadMs });
  });
  afterAll(() => other.stop());

  describeIssuer({ name: 'the contract', traits }, () => Promise.resolve(subjectAt(other)));

  test('uses are told by its clock, and the record says which time it is there', async () => {
    const subject = subjectAt(other);
    const made = await make(subject);
    await subject.use(made.value.reveal(), 'program');
    const there = Date.now() + aheadMs;
    const record = await subject.issuer.observedUse?.(subject.secret, new Date(there - 60_000));
    for (const at of [record?.issuerNow, record?.completeThrough, record?.uses[0]?.lastAt])
      expect(Math.abs((at?.getTime() ?? 0) - there)).toBeLessThan(30_000);
  });
});

describe('http, whose mints are named', () => {
  test.each(namedMintChecks.map(({ name, run }) => [name, run] as const))('%s', (_, run) =>
    run(subjectAt(sample)),
  );
});

/** The answer to one path; the others pass. */
function answering(path: RegExp, answered: (real: Answered) => Answered | undefined): Meddle {
  return async (exchange) => {
    const real = await exchange.pass();
    return path.test(exchange.path) ? answered(real) : real;
  };
}

describe('a server that is killed in the middle of a mint', () => {
  test.each([
    ['before it has heard of it', false, 0],
    ['when it has made the credential and told nobody', true, 1],
  ])('%s: the same version once more is one credential', async (_, made, left) => {
    let killed = false;
    const meddle: Meddle = async (exchange) => {
      if (exchange.method !== 'PUT' || killed) return exchange.pass();
      killed = true;
      if (made) await exchange.pass();
      await sample.kill();
      return undefined;
    };
    await meddled(sample, meddle, async (url) => {
      const subject = subjectAt(sample, url);
      const { issuer, secret } = subject;
      const value = new SecretValue(randomUUID());
      const request = { secret, ...ordered(subject), value, expiresAt: undefined };
      expect(await codeOf(issuer.mint(request))).toBe('unreachable');
      await sample.restart();
      expect(await issuer.list(secret)).toHaveLength(left);
      const { credentialId } = await issuer.mint(request);
      expect(await issuer.list(secret)).toMatchObject([{ credentialId }]);
      expect(await accepts(subject, { ...request, credentialId })).toBe(true);
    });
  });
});

describe('what a server answers is refused', () => {
  const listed = { credentialId: 'one', tag: null };
  test.each<[string, RegExp, Answered['body']]>([
    ['another protocol', /^\/$/, { protocol: 2, traits: sampleTraits }],
    ['a trait that is not known', /^\/$/, { protocol: 1, traits: { ...sampleTraits, fast: true } }],
    ['no credential id', /^\/credentials/, {}],
    ['an empty credential id', /^\/credentials/, { credentialId: '' }],
    ['a value where rotor chose it', /^\/credentials/, { credentialId: 'x', value: 'another' }],
    ['a list that is none', /^\/list/, { credentials: 'none' }],
    ['a credential without a word on its tag', /^\/list/, { credentials: [{ credentialId: 'x' }] }],
    ['a time that is none', /^\/list/, { credentials: [{ ...listed, createdAt: 'yesterday' }] }],
    ['a field that is not of the protocol', /^\/list/, { credentials: [{ ...listed, hash: 'x' }] }],
    ['no verdict', /^\/verify/, { accepted: 'yes' }],
    ['a count below one', /^\/use/, { uses: [{ credentialId: 'x', count: 0 }] }],
  ])('where it is %s', async (_, path, body) => {
    const meddle = answering(path, () => ({ status: 200, body }));
    await meddled(sample, meddle, async (url) => {
      const subject = subjectAt(sample, url);
      const { issuer, secret } = subject;
      const work = async (): Promise<unknown> => {
        const made = await make(subject);
        await issuer.list(secret);
        await accepts(subject, made);
        return issuer.observedUse?.(secret, new Date(Date.now() - day));
      };
      expect(await codeOf(work())).toBe('bad-reply');
    });
  });

  test('where it names a credential by its value, when it is made and when it is found', async () => {
    const meddle: Meddle = async (exchange) => {
      const real = await exchange.pass();
      if (exchange.method !== 'PUT') return real;
      return { status: 200, body: { credentialId: `key-${String(exchange.asked['value'])}` } };
    };
    await meddled(sample, meddle, async (url) => {
      const subject = subjectAt(sample, url);
      const { issuer, secret } = subject;
      const value = new SecretValue(randomUUID());
      const request = { secret, ...ordered(subject), value, expiresAt: undefined };
      expect(await codeOf(issuer.mint(request))).toBe('bad-reply');
      const found = { ...request, credentialId: `key-${value.reveal()}` };
      expect(await codeOf(issuer.verify(found, value, randomUUID()))).toBe('bad-reply');
    });
  });

  test.each([
    ['refused', 422],
    ['not-permitted', 401],
    ['busy', 429],
    ['unreachable', 503],
    ['bad-reply', 404],
    ['bad-reply', 204],
  ])('with the code %s where it is HTTP %d', async (code, status) => {
    const meddle: Meddle = () => Promise.resolve({ status, body: {} });
    await meddled(sample, meddle, async (url) => {
      const { issuer, secret } = subjectAt(sample, url);
      expect(await codeOf(issuer.list(secret))).toBe(code);
    });
  });

  test('where it is longer than anybody reads', async () => {
    const meddle = answering(/^\/list/, () => ({
      status: 200,
      body: { credentials: [], more: 'x'.repeat(17 * 1024 * 1024) },
    }));
    await meddled(sample, meddle, async (url) => {
      const { issuer, secret } = subjectAt(sample, url);
      await expect(issuer.list(secret)).rejects.toMatchObject({
        code: 'bad-reply',
        message: 'the answer of the server cannot be read',
      });
    });
  });

  test('where it does not come', async () => {
    const meddle: Meddle = () => new Promise(() => undefined);
    await meddled(sample, meddle, async (url) => {
      const options = optionsFor(sample, url, { timeout: '200ms' });
      const { secret } = subjectAt(sample);
      const issuer = http.open(options, contextOf(randomUUID()));
      expect(await codeOf(issuer.list(secret))).toBe('timed-out');
    });
  });

  test('and what the server says of it never shows', async () => {
    const meddle = answering(/^\/list/, () => ({
      status: 200,
      body: { credentials: [{ credentialId: 7, tag: 'the-secret-value' }] },
    }));
    await meddled(sample, meddle, async (url) => {
      const { issuer, secret } = subjectAt(sample, url);
      await expect(issuer.list(secret)).rejects.toMatchObject({
        message:
          'the answer of the server to /list is not of the protocol: credentials.0.credentialId',
      });
    });
  });
});

describe('traits that were declared', () => {
  const declared = (more: object) => {
    const options = optionsFor(sample, sample.url, { traits: { ...sampleTraits, ...more } });
    const { secret } = subjectAt(sample);
    return { secret, issuer: http.open(options, contextOf(randomUUID())) };
  };

  test.each([
    [{ propagationMs: 20 }],
    [{ seesRefusals: false }],
    [{ useRecord: 'sampled' }],
    [{ useRecord: 'absent', seesRefusals: false }],
    [{ outlives: 'tokens', outlivesMs: 60_000 }],
  ])('may fall short of what the server tells: %j', async (less) => {
    const { issuer, secret } = declared(less);
    await issuer.check?.();
    const record = await issuer.observedUse?.(secret, new Date());
    expect(record?.kind ?? 'absent').toBe(issuer.traits.useRecord);
  });

  test.each([
    [{ overlap: 'slots', slots: 2 }, 'overlap is many, not slots; slots is unset, not 2'],
    [{ valueChosenBy: 'theirs' }, 'valueChosenBy is ours, not theirs'],
    [{ longestValidityMs: day }, `longestValidityMs is unset, not ${day}`],
  ])('do not fit where they are others: %j', async (more, told) => {
    const { issuer, secret } = declared(more);
    const message = `the server is not what rotor.yaml says (traits): ${told}`;
    await expect(issuer.check?.()).rejects.toMatchObject({ code: 'refused', message });
    const request = { secret, versionId: 'v', tag: 'a/v', expiresAt: undefined };
    await expect(issuer.mint(request)).rejects.toMatchObject({ code: 'refused', message });
  });

  test.each([
    ['useRecord', { useRecord: 'sampled', seesRefusals: false }, 'useRecord is sampled, not exact'],
    ['propagationMs', { propagationMs: 5_000 }, 'propagationMs is 5000, not 0'],
    ['outlives', { outlives: 'tokens', outlivesMs: 1 }, 'outlives is tokens, not nothing'],
  ])('that claim more than the server tells are refused: %s', async (_, less, told) => {
    const real = { protocol: 1, traits: { ...sampleTraits, ...less } };
    await meddled(
      sample,
      answering(/^\/$/, () => ({ status: 200, body: real })),
      async (url) => {
        const { issuer } = subjectAt(sample, url);
        await expect(issuer.check?.()).rejects.toMatchObject({
          message: expect.stringContaining(told),
        });
      },
    );
  });

  test('hold up no revoke: what leaked is revoked at a server that has become another', async () => {
    const subject = subjectAt(sample);
    const made = await make(subject);
    const { issuer } = declared({ overlap: 'slots', slots: 2 });
    await issuer.revoke(made);
    expect(await accepts(subject, made)).toBe(false);
  });

  test.each([
    [{ overlap: 'slots' }],
    [{ slots: 2 }],
    [{ useRecord: 'absent' }],
    [{ overlap: 'some' }],
    [{ disable: 'expires' }],
  ])('such as %j are refused when the configuration is read', (more) => {
    const all = { url: sample.url, traits: { ...sampleTraits, ...more } };
    expect(http.options.safeParse(all).success).toBe(false);
  });
});

describe('the way to a server', () => {
  test('is TLS, but on this machine', () => {
    const reads = (url: string): boolean =>
      http.options.safeParse({ url, traits: sampleTraits }).success;
    expect(['https://issuer.internal', 'http://localhost:1', 'http://[::1]:1'].map(reads)).toEqual([
      true,
      true,
      true,
    ]);
    expect(['http://issuer.internal', 'ftp://x', 'issuer'].map(reads)).toEqual([
      false,
      false,
      false,
    ]);
  });

  test('trusts the authorities of caFile and no others, follows no redirect, and tells who is to come back', async () => {
    const { key, cert } = certificateFor('localhost');
    const caFile = join(sample.folder, 'ca.pem');
    writeFileSync(caFile, cert);
    let answer: [number, Record<string, string>, string] = [200, {}, '{"credentials":[]}'];
    const server = createServer({ key, cert }, (request, response) => {
      request.resume();
      response.writeHead(answer[0], answer[1]).end(answer[2]);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const { secret } = subjectAt(sample);
    const list = (more: object): Promise<unknown> =>
      http.open(optionsFor(sample, url, more), contextOf(randomUUID())).list(secret);
    expect(await list({ caFile })).toEqual([]);
    await expect(list({})).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('certificate'),
    });
    expect(await codeOf(list({ caFile: `${caFile}.none` }))).toBe('not-permitted');
    answer = [307, { location: sample.url }, ''];
    expect(await codeOf(list({ caFile }))).toBe('unreachable');
    answer = [429, { 'retry-after': '7' }, ''];
    await expect(list({ caFile })).rejects.toMatchObject({ code: 'busy', retryAfterMs: 7_000 });
    server.closeAllConnections();
    server.close();
  });

  test('is not gone without the token, which is read each time', async () => {
    const tokenFile = join(sample.folder, 'wrong.token');
    writeFileSync(tokenFile, 'wrong', { mode: 0o600 });
    const options = optionsFor({ tokenFile }, sample.url);
    const issuer = http.open(options, contextOf(randomUUID()));
    const { secret } = subjectAt(sample);
    expect(await codeOf(issuer.list(secret))).toBe('not-permitted');
    writeFileSync(tokenFile, readFileSync(sample.tokenFile));
    expect(await issuer.list(secret)).toEqual([]);
  });
});

test('openapi.yaml is what the requests and answers are checked by', () => {
  const file = join(packageRoot(), 'issuers', 'http', 'openapi.yaml');
  const document = openApiDocument();
  if (process.env['ROTOR_UPDATE_GOLDEN'] === '1') writeFileSync(file, document.text);
  const text = readFileSync(file, 'utf8');
  expect(parse(text)).toEqual(document.value);
  expect(text).toMatch(/^openapi: 3\.1\.0$/m);
});
