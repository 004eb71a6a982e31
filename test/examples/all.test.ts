import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { packageRoot } from '../../infra/package-root.js';

const root = packageRoot();
const examples = readdirSync(join(root, 'examples'));

test.each(examples)(
  'the example %s is whole: what it needs, what to add, what to apply, a test that walks through it, and a link to it',
  (name) => {
    const folder = join(root, 'examples', name);
    for (const file of ['README.md', 'rotor.yaml', 'declarations.yaml', 'prepare.mjs'])
      expect(existsSync(join(folder, file))).toBe(true);
    expect(existsSync(join(root, 'test', 'examples', `${name}.test.ts`))).toBe(true);
    expect(readFileSync(join(root, 'docs', 'guides.md'), 'utf8')).toContain(
      `](../examples/${name}/)`,
    );
    const readme = readFileSync(join(folder, 'README.md'), 'utf8');
    expect(readme).toMatch(/^# .+\n\n\*\*You need\*\* /);
    const links = [...readme.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, to = '']) => to);
    expect(links.filter((to) => !existsSync(join(folder, to)))).toEqual([]);
  },
);
