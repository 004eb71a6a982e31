import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RuleVerdict } from '../../client/cli/conformance.js';
import { holdHttp } from '../../workers/conformance.js';
import {
  meddled,
  startSample,
  type Answered,
  type Meddle,
  type Sample,
} from '../issuers/own-server.js';
import { rotorIn, type Rotor } from './rotor.js';

let sample: Sample;
let folder: string;
/** A program that logs in at the sample server. */
let login: string;
let rotor: Rotor;
beforeAll(async () => {
  sample = await startSample();
  folder = mkdtempSync(join(tmpdir(), 'rotor-conformance-'));
  login = join(folder, 'login');
  const lines = [
    `#!${process.execPath}`,
    `let value = '';`,
    `process.stdin.on('data', (part) => (value += part)).on('end', async () => {`,
    `  const headers = { 'user-agent': process.argv[2] };`,
    `  const body = JSON.stringify({ value });`,
    `  const { status } = await fetch('${sample.url}/login', { method: 'POST', headers, body });`,
    `  process.exitCode = status === 200 ? 0 : status === 401 ? 1 : 2;`,
    `});`,
  ];
  writeFileSync(login, `${lines.join('\n')}\n`, { mode: 0o700 });
  rotor = rotorIn({ folder });
});
afterAll(async () => {
  await sample.stop();
  rmSync(folder, { recursive: true });
});

const at = (url: string, more: object = {}) => ({
  url,
  tokenFile: sample.tokenFile,
  caFile: undefined,
  specification: undefined,
  use: undefined,
  ...more,
});

function named(verdicts: readonly RuleVerdict[], wanted: RuleVerdict['outcome']): string[] {
  return verdicts.filter(({ outcome }) => outcome === wanted).map(({ rule }) => rule);
}

describe('a server that is broken', () => {
  const fine = { status: 200, body: {} };
  const only = (path: RegExp, change: (real: Answered) => Answered): Meddle => {
    return async (exchange) => {
      const real = await exchange.pass();
      return path.test(exchange.path) && real.status === 200 ? change(real) : real;
    };
  };
  const instead = (path: RegExp, answered: Answered): Meddle => {
    return async (exchange) => (path.test(exchange.path) ? answered : exchange.pass());
  };
  const listing = (change: (one: Record<string, unknown>) => object): Meddle =>
    only(/^\/list/, ({ status, body }) => ({
      status,
      body: { credentials: (body['credentials'] as Record<string, unknown>[]).map(change) },
    }));

  const faults: readonly (readonly [string, Meddle, readonly string[]])[] = [
    [
      'accepts whatever it is shown',
      instead(/^\/verify/, { status: 200, body: { accepted: true } }),
      [
        'the value is accepted, another is not, and after the revoke neither is',
        'of two live credentials each value passes for its own only',
        'a version that has a value is given no other one',
      ],
    ],
    [
      'revokes nothing',
      instead(/^\/revoke/, fine),
      [
        'the value is accepted, another is not, and after the revoke neither is',
        'a credential that carries another tag is not ours, and stays as it is',
      ],
    ],
    [
      'revokes whatever carries another tag',
      async (exchange) =>
        exchange.path === '/revoke'
          ? exchange.pass({ ...exchange.asked, tag: undefined })
          : exchange.pass(),
      ['a credential that carries another tag is not ours, and stays as it is'],
    ],
    [
      'tells no tags',
      listing((one) => ({ ...one, tag: null })),
      ['a credential is listed once, carries its tag and ends when it was asked to'],
    ],
    [
      'makes another credential each time',
      async (exchange) =>
        exchange.method === 'PUT'
          ? { ...(await exchange.pass()), body: { credentialId: randomUUID() } }
          : exchange.pass(),
      ['a value of ours makes one credential however often it is minted'],
    ],
    [
      'asks for no token',
      async (exchange) => {
        const real = await exchange.pass();
        return real.status === 401 ? { status: 200, body: { credentials: [] } } : real;
      },
      ['whoever comes without its token is refused'],
    ],
    [
      'speaks another protocol',
      only(/^\/$/, ({ body }) => ({ status: 200, body: { ...body, protocol: 9 } })),
      ['it tells its protocol and its traits'],
    ],
    [
      'claims room for two and makes a third',
      only(/^\/$/, ({ body }) => {
        const traits = { ...(body['traits'] as object), overlap: 'slots', slots: 2 };
        return { status: 200, body: { ...body, traits } };
      }),
      ['as many live at once as the overlap says'],
    ],
  ];
  const found = new Map<string, readonly RuleVerdict[]>();
  // All at once: each of them mostly waits for what never comes true.
  beforeAll(async () => {
    await Promise.all(
      faults.map(([fault, meddle]) =>
        meddled(sample, meddle, async (url) => {
          const told: RuleVerdict[] = [];
          found.set(fault, await holdHttp(at(url), (verdict) => told.push(verdict)));
          expect(told).toEqual(found.get(fault));
        }),
      ),
    );
  });

  test.each(faults)('in that it %s fails the rules that say so', (fault, _, rules) => {
    const verdicts = found.get(fault) ?? [];
    expect(named(verdicts, 'broken')).toEqual(expect.arrayContaining([...rules]));
    for (const { outcome, why } of verdicts) expect(why === undefined).toBe(outcome === 'kept');
    // In the words of the rules, not in those of the library that compares.
    expect(verdicts.map(({ why = '' }) => why).join('\n')).not.toMatch(/strictly|evaluated|actual/);
  });

  test('in that it forgets uses fails the rules of use, and they are not checked without a program', async () => {
    const meddle = only(/^\/use/, ({ status, body }) => ({ status, body: { ...body, uses: [] } }));
    const rules = [
      'an accepted use is seen with its source, and the record goes past it',
      'a refused use is seen with its source',
      "rotor's own marked probes are left out of the record",
    ];
    await meddled(sample, meddle, async (url) => {
      const verdicts = await holdHttp(at(url, { use: login }), () => undefined);
      expect(named(verdicts, 'broken')).toEqual(rules);
      const without = await holdHttp(at(url), () => undefined);
      expect([named(without, 'broken'), named(without, 'not-checked')]).toEqual([[], rules]);
    });
  });

  test('in that it tells uses by another clock than what time it is fails the rule of use', async () => {
    const hour = 3_600_000;
    const earlier = (text: unknown): string =>
      new Date(Date.parse(String(text)) - hour).toISOString();
    const meddle = only(/^\/use/, ({ status, body }) => {
      const uses = body['uses'] as { lastAt: string }[];
      const shifted = uses.map((use) => ({ ...use, lastAt: earlier(use.lastAt) }));
      return { status, body: { ...body, uses: shifted } };
    });
    await meddled(sample, meddle, async (url) => {
      const verdicts = await holdHttp(at(url, { use: login }), () => undefined);
      expect(verdicts.filter(({ outcome }) => outcome === 'broken')).toEqual([
        {
          rule: 'an accepted use is seen with its source, and the record goes past it',
          outcome: 'broken',
          why: 'the time of a use is by the clock that tells what time it is now',
        },
      ]);
    });
  });
});

describe('rotor conformance http', () => {
  const word = (line: string): string => line.slice(0, 1);

  test('says of each rule that the sample server keeps it, and ends with 0', async () => {
    const args = ['conformance', 'http', sample.url, '--token-file', sample.tokenFile];
    const { code, out } = await rotor([...args, '--use', login]);
    const lines = out.trimEnd().split('\n');
    expect(lines.at(-1)).toBe(`${lines.length - 1} rules kept, 0 broken`);
    expect(new Set(lines.slice(0, -1).map(word))).toEqual(new Set(['✓']));
    expect([code, lines.length]).toEqual([0, 19]);
  });

  test('says why a rule is broken, and ends with 1', async () => {
    const meddle: Meddle = async (exchange) =>
      exchange.path === '/revoke' ? { status: 500, body: {} } : exchange.pass();
    const { code, out } = await meddled(sample, meddle, (url) =>
      rotor(['conformance', 'http', url, '--token-file', sample.tokenFile]),
    );
    expect(code).toBe(1);
    expect(out).toContain(
      '✗ a second revoke is success\n    the server failed (HTTP 500) (unreachable)\n',
    );
  });

  test('leaves a principal that has credentials alone, and cleans up what it made', async () => {
    const specification = JSON.stringify({ principal: 'trial' });
    const args = ['conformance', 'http', sample.url, '--token-file', sample.tokenFile];
    const first = await rotor([...args, '--specification', specification, '--json']);
    expect([first.code, JSON.parse(first.out)]).toMatchObject([0, { conforms: true }]);
    const again = await rotor([...args, '--specification', specification]);
    expect(again.code).toBe(0);
    await fetch(`${sample.url}/credentials/by-hand`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${readFileSync(sample.tokenFile, 'utf8')}` },
      body: JSON.stringify({
        secret: { specification: { principal: 'trial' } },
        tag: 'x',
        value: 'y',
      }),
    });
    const refused = await rotor([...args, '--specification', specification]);
    expect([refused.code, refused.err]).toEqual([5, expect.stringContaining('principal-in-use')]);
  });

  test('tells all that is wrong with what was typed at once, and what cannot be reached', async () => {
    const wrong = ['http://issuer.example.org', '--specification', '{"role":"x"}'];
    const invalid = await rotor(['conformance', 'http', ...wrong]);
    expect([invalid.code, invalid.err]).toEqual([
      2,
      expect.stringMatching(/url: values need TLS[\s\S]*specification\.principal/),
    ]);
    const noJson = await rotor(['conformance', 'http', sample.url, '--specification', 'trial']);
    expect([noJson.code, noJson.err]).toEqual([2, expect.stringContaining('no JSON object')]);
    const denied = await rotor(['conformance', 'http', sample.url]);
    expect([denied.code, denied.err]).toEqual([3, expect.stringContaining('--token-file')]);
    const away = await rotor(['conformance', 'http', 'http://127.0.0.1:1']);
    expect([away.code, away.err]).toEqual([6, expect.stringContaining('issuer-not-checked')]);
  });
});
