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
    beforeAll(() => {
      tree = mkdtempSync(join(tmpdir(), `rotor-test-${String(process.pid)}-`));
      for (const file of ['.dependency-cruiser.cjs', 'tsconfig.json', 'package.json'])
        copyFileSync(join(root, file), join(tree, file));
      symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
    });
    afterAll(() => {
      rmSync(tree, { recursive: true });
    });

    function write(file: string, text: string): void {
      mkdirSync(dirname(join(tree, file)), { recursive: true });
      writeFileSync(join(tree, file), text);
    }

    function broken(files: Readonly<Record<string, string>>): string {
      for (const [file, text] of Object.entries(files)) write(file, text);
      try {
        const cruise = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
        const args = [cruise, '--config', '.dependency-cruiser.cjs', '.'];
        return spawnSync(process.execPath, args, { cwd: tree, encoding: 'utf8' }).stdout;
      } finally {
        for (const file of Object.keys(files)) rmSync(join(tree, file));
      }
    }

    const value = 'export const value = 1;\n';
    test.each<[string, Record<string, string>, string]>([
      [
        'domain imports infra',
        { 'domain/a.ts': `import '../infra/b.js';\n`, 'infra/b.ts': value },
        'domain-imports-of-ours',
      ],
      [
        'domain imports a library',
        { 'domain/a.ts': `import 'zod';\n` },
        'domain-imports-of-others',
      ],
      [
        'domain imports a built-in',
        { 'domain/a.ts': `import 'node:fs';\n` },
        'domain-imports-of-others',
      ],
      [
        'workflows import what runs in activities',
        { 'workflows/a.ts': `export * from '../activities/b.js';\n`, 'activities/b.ts': value },
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
        { 'infra/a.ts': `import '../test/b.js';\n`, 'test/b.ts': value },
        'nothing-imports-tests',
      ],
    ])('%s: refused', (_, files, rule) => {
      expect(broken(files)).toContain(`error ${rule}:`);
    });

    test('workflows may import types of activities, and an issuer the domain and a library', () => {
      const output = broken({
        'workflows/a.ts': `import type { B } from '../activities/b.js';\nimport '@temporalio/workflow';\nexport type A = B;\n`,
        'activities/b.ts': 'export type B = string;\n',
        'issuers/a/open.ts': `import '../../domain/c.js';\nimport 'zod';\nimport 'node:fs';\n`,
        'domain/c.ts': value,
      });
      expect(output).toContain('no dependency violations found');
    });
  });
});
