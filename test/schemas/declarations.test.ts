import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { standardPolicy } from '../../domain/policy.js';
import { packageRoot } from '../../infra/package-root.js';
import { declarationsSchema } from '../../schemas/declaration-document.js';
import type { KnownOrganization } from '../../domain/declarations.js';
import { checkDeclarations, readDocuments } from '../../schemas/declarations.js';
import type { Kinds } from '../../schemas/kinds.js';
import type { Checked } from '../../schemas/problems.js';
import type { Declarations } from '../../domain/declarations.js';
import { traits } from '../domain/facts.js';

const full = `
organization: acme
policies:
  - name: careful
    overlap: 2h
    quietPeriod: 3d
    disablePeriod: 0
    monitorPeriod: 1w
    leastEvidence: attested
    openUse: { wait: 30m, then: end }
    acceptUnseenUse: { by: ada, reason: sampled log }
    allowManualDisable: true
    canary: false
    waves: [{ name: first }, { name: rest, after: [first] }]
    timeouts: { mint: 2m, deliver: 10s, prove: 1h30m }
dependents:
  - { name: billing, owner: team-billing, documentation: https://example.org/billing }
secrets:
  - name: billing-api
    issuer: main
    policy: careful
    owner: team-billing
    specification: { role: reader, validity: 90d }
    dependencies:
      - dependent: billing
        connector: dotenv
        destination: { file: /srv/.env, variable: X }
        wave: first
        seenAs: { address: 10.0.0.0/8, userAgent: "billing/*" }
        leastEvidence: observed
        usesAtLeastEvery: 1d
        picksUpWithin: 5m
        owner: ada
        documentation: see the runbook
`;

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** YAML 1.2 reads \`0\` as a number; people write it so. */
function read(text: string): unknown {
  return parse(text) as unknown;
}

/**
 * Issuer `nowhere` and connector `none` are not configured; a role that is `wrong` has no such specification;
 * issuer `in-place` has a single value, and chooses it.
 */
const kinds: Kinds = {
  traits: (issuer) =>
    issuer === 'in-place'
      ? { ...traits, overlap: { kind: 'none' } }
      : issuer === 'nowhere'
        ? undefined
        : traits,
  specification: (issuer, given) => {
    if (issuer === 'nowhere') {
      return { problems: [{ path: 'issuer', message: 'there is no issuer nowhere' }] };
    }
    const specification = given as Record<string, unknown>;
    const wrong = Object.keys(specification).find((key) => specification[key] === 'wrong');
    if (wrong !== undefined || Number(specification['validityMs']) > 1000 * day) {
      const path = `specification.${wrong ?? 'validityMs'}`;
      return { problems: [{ path, message: 'is wrong' }] };
    }
    return { value: { specification, principal: `client ${String(specification['client'])}` } };
  },
  destination: (connector, address) => {
    if (connector === 'none') {
      return { problems: [{ path: 'connector', message: 'there is no connector none' }] };
    }
    return { value: { identity: JSON.stringify(address), address: { ...(address as object) } } };
  },
  asksPeople: (connector) => connector === 'by-hand',
  whyNever: () => undefined,
};

const acme: KnownOrganization = {
  policies: new Map([['stored', { waves: [{ name: 'a', after: [] }], leastEvidence: 'observed' }]]),
  dependents: new Set(['d', 'e', 'one', 'other']),
  origins: new Map([['lives', { issuer: 'i', principal: 'client one' }]]),
  secrets: new Set(['lives']),
};

function checked(...documents: unknown[]): Checked<Declarations> {
  return checkDeclarations(readDocuments(documents), { kinds, known: new Map([['acme', acme]]) });
}

function problemsOf(...documents: unknown[]): string[] {
  const found = checked(...documents);
  if ('value' in found) return [];
  return found.problems.map(({ path, message, hint }) =>
    [`${path}: ${message}`, ...(hint === undefined ? [] : [hint])].join('; '),
  );
}

function secretWith(...dependencies: Record<string, unknown>[]): unknown {
  const usual = { dependent: 'd', connector: 'dotenv', leastEvidence: 'read-back' };
  return {
    organization: 'acme',
    secrets: [
      {
        name: 's',
        issuer: 'i',
        owner: 'o',
        dependencies: dependencies.map((dependency, index) => ({
          ...usual,
          destination: { file: `/srv/${index}` },
          ...dependency,
        })),
      },
    ],
  };
}

function policyWith(more: Record<string, unknown>): unknown {
  return { organization: 'acme', policies: [{ name: 'p', ...more }] };
}

describe('declarations', () => {
  test('become what rotor computes with', () => {
    expect(checked(read(full))).toEqual({
      value: {
        organizations: [
          {
            name: 'acme',
            policies: [
              {
                name: 'careful',
                overlapMs: 2 * hour,
                quietPeriodMs: 3 * day,
                disablePeriodMs: 0,
                monitorPeriodMs: 7 * day,
                leastEvidence: 'attested',
                openUse: { waitMs: 30 * minute, then: 'end' },
                acceptUnseenUse: { by: 'ada', reason: 'sampled log' },
                allowManualDisable: true,
                canary: false,
                waves: [
                  { name: 'first', after: [] },
                  { name: 'rest', after: ['first'] },
                ],
                timeouts: { mintMs: 2 * minute, deliverMs: 10_000, proveMs: 90 * minute },
              },
            ],
            dependents: [
              {
                name: 'billing',
                owner: 'team-billing',
                documentation: 'https://example.org/billing',
              },
            ],
            secrets: [
              {
                name: 'billing-api',
                issuer: 'main',
                owner: 'team-billing',
                documentation: undefined,
                labels: {},
                policy: 'careful',
                notWith: [],
                specification: { role: 'reader', validityMs: 90 * day },
                principal: 'client undefined',
                dependencies: [
                  {
                    dependent: 'billing',
                    connector: 'dotenv',
                    destination: { file: '/srv/.env', variable: 'X' },
                    identity: '{"file":"/srv/.env","variable":"X"}',
                    wave: 'first',
                    owner: 'ada',
                    documentation: 'see the runbook',
                    leastEvidence: 'observed',
                    seenAs: { address: '10.0.0.0/8', userAgent: 'billing/*' },
                    usesAtLeastEveryMs: day,
                    picksUpWithinMs: 5 * minute,
                  },
                ],
              },
            ],
          },
        ],
      },
    });
  });

  test('a policy that says nothing is the standard one', () => {
    const found = checked(policyWith({}));
    expect('value' in found && found.value.organizations[0]?.policies[0]).toEqual({
      ...standardPolicy,
      name: 'p',
    });
  });

  test('all problems are told at once, with their places', () => {
    expect(
      problemsOf(
        { organization: 'ok' },
        { organization: 'Acme', secrts: [], secrets: [{ name: 's', isuer: 'i', owner: '' }] },
        7,
      ),
    ).toEqual([
      'documents.1.organization: expected lower-case letters, digits and dashes; there is "A" (U+0041)',
      'documents.1.secrets.0.issuer: is missing',
      expect.stringMatching(/^documents\.1\.secrets\.0\.owner: /),
      'documents.1.secrets.0.isuer: unknown field isuer; did you mean issuer?',
      'documents.1.secrts: unknown field secrts; did you mean secrets?',
      'documents.2: expected object',
    ]);
  });

  test.each([
    ['', 'expected a name, it is empty'],
    ['-a', 'expected a letter or digit first'],
    ['a'.repeat(64), 'expected at most 63 characters, there are 64'],
    ['a b', 'expected lower-case letters, digits and dashes; there is " " (U+0020)'],
    ['p\u0430y', 'expected lower-case letters, digits and dashes; there is "\u0430" (U+0430)'],
    ['a/b', 'expected lower-case letters, digits and dashes; there is "/" (U+002F)'],
    ['a\n', String.raw`expected lower-case letters, digits and dashes; there is "\n" (U+000A)`],
  ])('the name %j: %s', (organization, message) => {
    expect(problemsOf({ organization })).toEqual([`documents.0.organization: ${message}`]);
  });

  test.each(['5', '-1h', '1 year', '1h-', 'NaN', '11000d', '', 5, 1.5, null, true])(
    '%j is no duration',
    (overlap) => {
      expect(problemsOf(policyWith({ overlap }))).toEqual([
        expect.stringMatching(/^documents\.0\.policies\.0\.overlap: expected a duration such as /),
      ]);
    },
  );

  test.each(['mint', 'deliver', 'prove'])('no time to %s', (step) => {
    expect(problemsOf(policyWith({ timeouts: { [step]: 0 } }))).toEqual([
      `documents.0.policies.0.timeouts.${step}: expected a duration above 0, such as 30s`,
    ]);
  });

  test('what is empty, and what is no object, is said in plain words', () => {
    expect(problemsOf(secretWith({ connector: '', destination: [] }))).toEqual([
      'documents.0.secrets.0.dependencies.0.connector: is empty',
      'documents.0.secrets.0.dependencies.0.destination: expected object',
    ]);
  });

  test('a validity that is no duration is told where it stands', () => {
    const secret = { name: 's', issuer: 'i', owner: 'o', specification: { validity: '90 moons' } };
    expect(problemsOf({ organization: 'acme', secrets: [secret] })).toEqual([
      expect.stringMatching(/^documents\.0\.secrets\.0\.specification\.validity: expected a dur/),
    ]);
  });

  test('names that are there twice', () => {
    const dependents = [
      { name: 'x', owner: 'o' },
      { name: 'x', owner: 'o' },
    ];
    expect(problemsOf({ organization: 'acme', dependents })).toEqual([
      'documents.0.dependents.1.name: x is declared twice',
    ]);
  });

  test('approvals that nobody could ever give, and rules that never count, are named', () => {
    const by = (approvals: unknown) => problemsOf(policyWith({ approvals }));
    expect(by({ needed: 2, by: ['ada', 'ada'] })).toEqual([
      'documents.0.policies.0.approvals.0.by: names fewer persons than are needed',
    ]);
    expect(by({ by: [] })).toEqual([expect.stringContaining('approvals.0.by: ')]);
    expect(by([{}, { labels: { risk: 'high' }, needed: 2 }])).toEqual([
      'documents.0.policies.0.approvals.1: never counts: rule 1 fits all that it fits, and comes first',
    ]);
    expect(by([{ labels: { risk: 'high' }, needed: 2 }, {}])).toEqual([]);
  });

  test('waves that wait for each other are named, and waves that are not there', () => {
    const a = { name: 'a', after: ['b'] };
    const b = { name: 'b', after: ['c'] };
    const c = { name: 'c', after: ['a'] };
    expect(problemsOf(policyWith({ waves: [a, b, c, { name: 'd' }] }))).toEqual([
      'documents.0.policies.0.waves: these waves wait for each other: a → b → c → a',
    ]);
    expect(problemsOf(policyWith({ waves: [{ name: 'd', after: ['everyone'] }] }))).toEqual([]);
    expect(problemsOf(policyWith({ waves: [a] }))).toEqual([
      'documents.0.policies.0.waves.0.after: there is no wave b',
    ]);
    expect(problemsOf(read(full.replace('wave: first', 'wave: last')))).toEqual([
      'documents.0.secrets.0.dependencies.0.wave: policy careful has no wave last; say it in the policy: waves: [{ name: last }]',
    ]);
  });

  test.each([
    '10.0.0.0/33',
    '10.0.0',
    '300.1.1.1',
    '2001:db8::/129',
    'example.org',
    '',
    '10.0.0.0/',
  ])('nobody is seen at %j', (address) => {
    expect(problemsOf(secretWith({ seenAs: { address } }))).toEqual([
      'documents.0.secrets.0.dependencies.0.seenAs.address: expected an address or a range such as 10.0.0.0/8',
    ]);
  });

  test('two dependencies of a secret that could not be told apart', () => {
    const one = { dependent: 'one', seenAs: { address: '10.0.0.1', name: 'n' } };
    const other = { dependent: 'other', seenAs: { name: 'n', address: '10.0.0.1' } };
    const message =
      'documents.0.secrets.0.dependencies.1.seenAs: dependency 1, of one, is recognized by the same: neither would be';
    expect(problemsOf(secretWith(one, other))).toEqual([message]);
    expect(problemsOf(secretWith(one, one))).toEqual([message]);
    expect(problemsOf(secretWith(one, { ...other, seenAs: { name: 'n' } }))).toEqual([]);
    expect(problemsOf(secretWith({}, {}))).toEqual([]);
  });

  test('several documents of one organization are one', () => {
    const secret = { name: 's', issuer: 'i', owner: 'o' };
    const one = { organization: 'acme', policies: [{ name: 'p' }], secrets: [secret] };
    expect(problemsOf(one, { ...one, organization: 'other' })).toEqual([]);
    expect(problemsOf(one, { organization: 'acme', secrets: [secret] }, one)).toEqual([
      'documents.2.policies.0.name: p is declared twice',
      'documents.1.secrets.0.name: s is declared twice',
      'documents.2.secrets.0.name: s is declared twice',
    ]);
    const dependency = { dependent: 'd', connector: 'c', destination: {}, wave: 'last' };
    const waiting = {
      ...secret,
      policy: 'p',
      dependencies: [{ ...dependency, seenAs: { name: 'n' } }],
    };
    expect(problemsOf({ organization: 'acme', secrets: [waiting] }, policyWith({}))).toEqual([
      'documents.0.secrets.0.dependencies.0.wave: policy p has no wave last; say it in the policy: waves: [{ name: last }]',
    ]);
  });

  test('a problem of one document does not hide what is wrong between the others', () => {
    const twice = { organization: 'acme', policies: [{ name: 'p' }, { name: 'p' }] };
    expect(problemsOf(7, twice)).toEqual([
      'documents.0: expected object',
      'documents.1.policies.1.name: p is declared twice',
    ]);
  });

  test('a wave, where the standard policy counts: it has none', () => {
    expect(problemsOf(secretWith({ wave: 'first' }))).toEqual([
      'documents.0.secrets.0.dependencies.0.wave: policy standard has no wave first; say it in the policy: waves: [{ name: first }]',
    ]);
  });

  describe('what a person types in is not read back', () => {
    const byHand = { connector: 'by-hand', seenAs: { name: 'n' } };
    const underPolicy = (policy: string, more: Record<string, unknown> = {}): unknown => ({
      organization: 'acme',
      policies: [{ name: 'p', leastEvidence: policy }],
      secrets: [
        {
          name: 's',
          issuer: 'i',
          owner: 'o',
          policy: 'p',
          dependencies: [{ dependent: 'd', destination: {}, ...byHand, ...more }],
        },
      ],
    });
    const refused = (told: string) => [
      expect.stringMatching(
        new RegExp(
          String.raw`^documents\.0\.secrets\.0\.dependencies\.0\.leastEvidence: is ${told}, and nobody can read back .*; say leastEvidence: observed`,
        ),
      ),
    ];

    test.each<[string, unknown, string]>([
      ['it says so', secretWith({ ...byHand, leastEvidence: 'read-back' }), 'read-back'],
      [
        'it says something stronger',
        secretWith({ ...byHand, leastEvidence: 'attested' }),
        'attested',
      ],
      ['its policy says so', underPolicy('read-back'), String.raw`read-back \(policy p\)`],
    ])('%s', (_, document, told) => {
      expect(problemsOf(document)).toEqual(refused(told));
    });

    test.each<[string, unknown]>([
      ['their word is enough', secretWith({ ...byHand, leastEvidence: 'human' })],
      ['only use counts', secretWith({ ...byHand, leastEvidence: 'observed' })],
      ['the standard policy counts', secretWith({ ...byHand, leastEvidence: undefined })],
      ['it says otherwise than its policy', underPolicy('read-back', { leastEvidence: 'human' })],
      ['another connector reads back', secretWith({ leastEvidence: 'read-back' })],
    ])('nothing is wrong where %s', (_, document) => {
      expect(problemsOf(document)).toEqual([]);
    });
  });

  describe('what is to be observed has to be recognizable', () => {
    const missing = expect.stringMatching(
      /^documents\.0\.secrets\.0\.dependencies\.0\.seenAs: is missing: .* how d is recognized; say address/,
    );
    const { leastEvidence: _usual, ...dependency } = {
      dependent: 'd',
      connector: 'dotenv',
      destination: {},
      leastEvidence: 'read-back',
    };
    const withPolicy = (
      policy: Record<string, unknown>,
      more: Record<string, unknown>,
    ): unknown => ({
      organization: 'acme',
      policies: [{ name: 'p', ...policy }],
      secrets: [
        {
          name: 's',
          issuer: 'i',
          owner: 'o',
          policy: 'p',
          dependencies: [{ ...dependency, ...more }],
        },
      ],
    });

    test.each<[string, unknown]>([
      ['it says so itself', secretWith({ leastEvidence: 'observed' })],
      ['the standard policy says so', secretWith({ leastEvidence: undefined })],
      ['its policy says so', withPolicy({}, {})],
      [
        'its policy, that stands in the registry, says so',
        {
          organization: 'acme',
          secrets: [
            { name: 's', issuer: 'i', owner: 'o', policy: 'stored', dependencies: [dependency] },
          ],
        },
      ],
      [
        'it says so, against its policy',
        withPolicy({ leastEvidence: 'human' }, { leastEvidence: 'observed' }),
      ],
    ])('%s', (_, document) => {
      expect(problemsOf(document)).toEqual([missing]);
    });

    test.each<[string, unknown]>([
      ['it is', secretWith({ leastEvidence: 'observed', seenAs: { name: 'n' } })],
      ['its policy asks for less', withPolicy({ leastEvidence: 'attested' }, {})],
      ['it asks for less itself', withPolicy({}, { leastEvidence: 'human' })],
    ])('no problem: %s', (_, document) => {
      expect(problemsOf(document)).toEqual([]);
    });
  });

  test('one dependent twice with one destination, however it is written', () => {
    const destination = { file: '/srv/.env', variable: 'X' };
    const turned = { variable: 'X', file: '/srv/.env' };
    expect(problemsOf(secretWith({ destination }, { destination: turned, owner: 'ada' }))).toEqual([
      'documents.0.secrets.0.dependencies.1.destination: d is declared twice with this destination',
    ]);
    expect(problemsOf(secretWith({ destination }, { destination, dependent: 'e' }))).toEqual([]);
    expect(
      problemsOf(secretWith({ destination }, { destination: { ...destination, variable: 'Y' } })),
    ).toEqual([]);
  });

  test('every sort of mistake at once, also in one secret', () => {
    const mistaken = `
organization: acme
policies:
  - { name: careful, overlap: soon, quietPeriod: 1h }
  - { name: turning, waves: [{ name: a, after: [b] }, { name: b, after: [a] }] }
dependents:
  - { name: app, owner: team }
  - { name: app, owner: team }
secrets:
  - name: first
    issuer: nowhere
    onwer: team
    policy: careful
    specification: { role: wrong, validity: forever }
    dependencies:
      - { dependent: app, connector: none, destination: {}, wave: late, leastEvidence: human }
      - { dependent: ghost, connector: c, destination: 7, leastEvidence: most, picksUpWithin: long }
  - name: second
    issuer: i
    owner: 7
    policy: gone
    specification: { role: wrong }
  - { name: third, issuer: i, owner: team, specification: { validity: 2000d } }
  - { name: lives, issuer: i, owner: team, specification: { client: two } }
`;
    expect(problemsOf(read(mistaken)).map((line) => line.replace('documents.0.', ''))).toEqual([
      expect.stringMatching(/^policies\.0\.overlap: expected a duration/),
      'secrets.0.owner: is missing',
      expect.stringMatching(/^secrets\.0\.specification\.validity: expected a duration/),
      'secrets.0.dependencies.1.destination: expected object',
      expect.stringMatching(/^secrets\.0\.dependencies\.1\.leastEvidence: expected one of/),
      expect.stringMatching(/^secrets\.0\.dependencies\.1\.picksUpWithin: expected a duration/),
      'secrets.0.onwer: unknown field onwer; did you mean owner?',
      'secrets.1.owner: expected text: put it in quotes',
      'dependents.1.name: app is declared twice',
      'policies.1.waves: these waves wait for each other: a → b → a',
      'secrets.0.dependencies.0.wave: policy careful has no wave late; say it in the policy: waves: [{ name: late }]',
      'secrets.0.dependencies.1.dependent: there is no dependent ghost; declare it under dependents',
      'secrets.1.policy: there is no policy gone; declare it under policies',
      'secrets.0.issuer: there is no issuer nowhere',
      'secrets.0.dependencies.0.connector: there is no connector none',
      'secrets.1.specification.role: is wrong',
      'secrets.2.specification.validity: is wrong',
      expect.stringMatching(
        /^secrets\.3\.specification: it was client one and has live versions there, .* at client two;/,
      ),
    ]);
  });

  test('refuses an issuer that would lose its only value, besides what is wrong with the specification', () => {
    const secret = { name: 's', issuer: 'in-place', owner: 'team' };
    const told = [
      expect.stringMatching(
        /^documents\.0\.secrets\.0\.issuer: expected an issuer that keeps several values, .*; name an issuer that/,
      ),
    ];
    expect(
      problemsOf({ organization: 'acme', secrets: [{ ...secret, specification: {} }] }),
    ).toEqual(told);
    expect(
      problemsOf({
        organization: 'acme',
        secrets: [{ ...secret, specification: { role: 'wrong' } }],
      }),
    ).toEqual(
      expect.arrayContaining([...told, 'documents.0.secrets.0.specification.role: is wrong']),
    );
  });

  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['a wave of it', { waves: 7 }, { wave: 'a', leastEvidence: 'human' }],
    ['its least evidence', { leastEvidence: 'most' }, { leastEvidence: undefined }],
  ])('where a policy is wrong itself, nobody is held to %s', (_, policy, dependency) => {
    const document = secretWith(dependency) as { secrets: object[] };
    const secrets = document.secrets.map((secret) => ({ ...secret, policy: 'p' }));
    expect(problemsOf({ ...(policyWith(policy) as object), secrets })).toHaveLength(1);
  });

  test('a secret whose policy is wrong written is not held to the standard one', () => {
    const document = secretWith({ wave: 'a' }) as { secrets: object[] };
    const secrets = document.secrets.map((secret) => ({ ...secret, policy: 'P' }));
    expect(problemsOf({ organization: 'acme', secrets })).toEqual([
      expect.stringMatching(/^documents\.0\.secrets\.0\.policy: expected lower-case letters/),
    ]);
  });

  test('what the registry knows of another organization does not count', () => {
    const stranger = { ...(secretWith({}) as object), organization: 'other' };
    expect(problemsOf(stranger)).toEqual([
      'documents.0.secrets.0.dependencies.0.dependent: there is no dependent d; declare it under dependents',
    ]);
  });

  test('no problem repeats a value', () => {
    const leaked = 'a-value-in-the-wrong-place';
    const document = {
      organization: leaked.length,
      secrets: leaked,
      policies: [{ overlap: leaked }],
    };
    expect(problemsOf(document).join()).not.toContain(leaked);
  });
});

describe('the JSON Schema of declarations', () => {
  const file = join(packageRoot(), 'docs', 'declarations.schema.json');
  const current = `${JSON.stringify(declarationsSchema(), undefined, 2)}\n`;

  test('lies in docs/ as it is now (ROTOR_UPDATE_GOLDEN=1 writes it)', () => {
    if (process.env['ROTOR_UPDATE_GOLDEN'] === '1') writeFileSync(file, current);
    expect(existsSync(file) ? readFileSync(file, 'utf8') : '').toBe(current);
  });

  test('takes what rotor takes, and refuses unknown fields and names', () => {
    const validate = new Ajv2020({ strict: false }).compile(declarationsSchema());
    expect(validate(read(full))).toBe(true);
    expect(validate({ organization: 'acme' })).toBe(true);
    expect(validate({ organization: 'Acme' })).toBe(false);
    expect(validate({ organization: 'acme', secrts: [] })).toBe(false);
    expect(validate({})).toBe(false);
  });
});
