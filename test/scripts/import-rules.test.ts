import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  copyFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { packageRoot } from '../../infra/package-root.js';

const root = packageRoot();

interface Rules {
  readonly forbidden: readonly { readonly name: string }[];
}

const freeOfRules = ['workers', 'test', 'bench'];

type Files = Readonly<Record<string, string>>;
const value = 'export const value = 1;\n';

/** What is wrong, in which file (the first), and the rule that says so. */
const refused: readonly (readonly [string, Files, string])[] = [
  [
    'domain imports infra',
    { 'domain/ours.ts': `import '../infra/one.js';\n`, 'infra/one.ts': value },
    'domain-imports-of-ours',
  ],
  [
    'domain imports a library',
    { 'domain/library.ts': `import 'zod';\n` },
    'domain-imports-of-others',
  ],
  [
    'domain imports a built-in',
    { 'domain/built-in.ts': `import 'node:fs';\n` },
    'domain-imports-of-others',
  ],
  [
    'workflows import what runs in activities',
    {
      'workflows/runs.ts': `export * from '../activities/one.js';\n`,
      'activities/one.ts': value,
    },
    'workflows-imports-only-types-of-activities',
  ],
  [
    'one issuer imports another',
    { 'issuers/a/open.ts': `import '../b/open.js';\n`, 'issuers/b/open.ts': value },
    'extension-points-do-not-know-each-other',
  ],
  [
    'two files import each other, types only',
    {
      'domain/a.ts': `import type { B } from './b.js';\nexport type A = B[];\n`,
      'domain/b.ts': `import type { A } from './a.js';\nexport type B = A[];\n`,
    },
    'no-cycles',
  ],
  [
    'infra imports a test',
    { 'infra/two.ts': `import '../test/one.js';\n`, 'test/one.ts': value },
    'nothing-imports-tests',
  ],
  [
    'the SDK of workers in another place',
    { 'infra/sdk.ts': `import '@temporalio/worker';\n` },
    'few-run-the-sdk-of-workers',
  ],
  [
    'the API reaches the SDK of workers, however far away',
    {
      'workers/api.ts': `import './near.js';\n`,
      'workers/near.ts': `import './engine.js';\n`,
      'workers/engine.ts': `import '@temporalio/worker';\n`,
    },
    'api-starts-without-the-sdk-of-workers',
  ],
];

const allowed: Files = {
  'workflows/types.ts': `import type { B } from '../activities/types.js';\nimport '@temporalio/workflow';\nexport type A = B;\n`,
  'activities/types.ts': 'export type B = string;\n',
  'issuers/c/open.ts': `import '../../domain/c.js';\nimport 'zod';\nimport 'node:fs';\n`,
  'domain/c.ts': value,
};

describe('the import rules', () => {
  const rules = createRequire(import.meta.url)(join(root, '.dependency-cruiser.cjs')) as Rules;
  const { include: compiled } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')) as {
    include: string[];
  };

  test('name every folder that is compiled, but the composition root, tests and benchmarks', () => {
    const named = rules.forbidden.flatMap(
      ({ name }) => /^(\w+)-imports-of-ours$/.exec(name)?.[1] ?? [],
    );
    expect([...named, ...freeOfRules].sort()).toEqual([...compiled].sort());
  });

  test('leave no folder with sources out of the compilation', () => {
    const hasSources = (folder: string): boolean =>
      readdirSync(join(root, folder), { recursive: true }).some((file) =>
        /\.ts$/.test(String(file)),
      );
    const outside = readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !/^(\.|node_modules$|dist$)/.test(entry.name))
      .map(({ name }) => name)
      .filter((name) => !compiled.includes(name) && hasSources(name));
    expect(outside).toEqual([]);
  });

  describe('over a tree of a few files', () => {
    let tree: string;
    let told: readonly string[];
    beforeAll(() => {
      tree = mkdtempSync(join(tmpdir(), `rotor-test-${String(process.pid)}-`));
      for (const file of ['.dependency-cruiser.cjs', 'tsconfig.json', 'package.json'])
        copyFileSync(join(root, file), join(tree, file));
      symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
      const all = [...refused.map(([, given]) => given), allowed];
      for (const given of all) for (const [file, text] of Object.entries(given)) write(file, text);
      const cruise = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
      const args = [cruise, '--config', '.dependency-cruiser.cjs', '.'];
      const { stdout } = spawnSync(process.execPath, args, { cwd: tree, encoding: 'utf8' });
      told = stdout.split('\n').filter((line) => /^\s*error /.test(line));
    });
    afterAll(() => {
      rmSync(tree, { recursive: true });
    });

    function write(file: string, text: string): void {
      mkdirSync(dirname(join(tree, file)), { recursive: true });
      writeFileSync(join(tree, file), text);
    }

    test.each(refused)('%s: refused', (_, files, rule) => {
      const [file = ''] = Object.keys(files);
      expect(told.filter((line) => line.includes(`error ${rule}: ${file} `))).toHaveLength(1);
    });

    test('workflows may import types of activities, and an issuer the domain and a library', () => {
      const files = Object.keys(allowed);
      expect(told.filter((line) => files.some((file) => line.includes(file)))).toEqual([]);
    });
  });
});
