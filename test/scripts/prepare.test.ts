import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { packageRoot } from '../../infra/package-root.js';

/** Stands in for npm: notes each call, takes a while, and puts the compiler in place. */
const npm = (root: string): string => `#!/bin/sh
echo "$*" >> calls
if [ -f npm-fails ]; then echo "npm error: the registry is down" >&2; exit 1; fi
sleep 0.5
rm -rf node_modules; mkdir node_modules
ln -s '${root}/node_modules/typescript' '${root}/node_modules/@types' '${root}/node_modules/undici-types' node_modules/
`;

const greet = `console.log('hello', process.argv.slice(2).join(' '));\nprocess.exitCode = 7;\n`;

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('a fresh checkout', () => {
  let tree: string;
  beforeEach(() => {
    tree = mkdtempSync(join(tmpdir(), `rotor test-${String(process.pid)}-`));
    const root = packageRoot();
    for (const part of ['scripts', 'bin', 'tsconfig.json'])
      cpSync(join(root, part), join(tree, part), { recursive: true });
    write('package.json', '{ "name": "tree", "type": "module" }');
    write(
      'package-lock.json',
      '{ "packages": { "": {}, "node_modules/typescript": { "version": "0" } } }',
    );
    write('domain/greet.ts', greet);
    write('workers/rotor.ts', greet);
    write('path/npm', npm(root));
    chmodSync(join(tree, 'path/npm'), 0o755);
  });
  afterEach(() => {
    rmSync(tree, { recursive: true });
  });

  function write(file: string, text: string): void {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    writeFileSync(join(tree, file), text);
  }

  const environment = (): NodeJS.ProcessEnv => ({
    ...process.env,
    NODE_OPTIONS: '',
    PATH: `${join(tree, 'path')}${delimiter}${process.env['PATH'] ?? ''}`,
  });

  function run(...args: string[]): Ran {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: tmpdir(),
      env: environment(),
      encoding: 'utf8',
    });
    return { code: status, stdout, stderr };
  }

  const prepare = (): Ran => run(join(tree, 'scripts/prepare.mjs'));
  const npmCalls = (): number =>
    readFileSync(join(tree, 'calls'), 'utf8').trim().split('\n').length;
  const output = (file: string): string => join(tree, 'dist', file);

  test('is installed and compiled, and then left alone', () => {
    expect(prepare()).toEqual({
      code: 0,
      stdout: '',
      stderr: 'installing packages (npm ci) ...\n',
    });
    expect(existsSync(output('domain/greet.js'))).toBe(true);
    // From here on installing and compiling would fail.
    write('npm-fails', '');
    rmSync(join(tree, 'node_modules/typescript'));
    expect(prepare()).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('is installed once by two processes that start at once', async () => {
    const both = [0, 1].map(() =>
      spawn(process.execPath, [join(tree, 'scripts/prepare.mjs')], {
        env: environment(),
        stdio: 'ignore',
      }),
    );
    const codes = await Promise.all(
      both.map(async (child) => (await once(child, 'exit'))[0] as unknown),
    );
    expect(codes).toEqual([0, 0]);
    expect(npmCalls()).toBe(1);
  });

  test('is prepared although a process that held the lock died', () => {
    const { pid } = spawnSync('true');
    write('.rotor/prepare.lock', String(pid));
    expect(prepare().code).toBe(0);
    expect(existsSync(join(tree, '.rotor/prepare.lock'))).toBe(false);
  });

  test('shows what npm said where installing fails, and recovers the next time', () => {
    write('npm-fails', '');
    const { code, stderr } = prepare();
    expect(code).toBe(1);
    expect(stderr).toContain('npm error: the registry is down');
    rmSync(join(tree, 'npm-fails'));
    expect(prepare().code).toBe(0);
  });

  test('is installed again when the lock file changed', () => {
    prepare();
    write(
      'package-lock.json',
      '{ "packages": { "": {}, "node_modules/typescript": { "version": "1" } } }',
    );
    expect(prepare().stderr).toContain('installing');
    expect(npmCalls()).toBe(2);
  });

  test('what npm ci installed by hand is taken as it is, a part of it is not', () => {
    const version = (
      JSON.parse(
        readFileSync(join(packageRoot(), 'node_modules/typescript/package.json'), 'utf8'),
      ) as { version: string }
    ).version;
    const typescript = `"node_modules/typescript": { "version": "${version}" }`;
    for (const name of ['typescript', '@types', 'undici-types']) {
      mkdirSync(join(tree, 'node_modules'), { recursive: true });
      symlinkSync(join(packageRoot(), 'node_modules', name), join(tree, 'node_modules', name));
    }
    write('package-lock.json', `{ "packages": { "": {}, ${typescript} } }`);
    expect(prepare()).toEqual({ code: 0, stdout: '', stderr: '' });
    write(
      'package-lock.json',
      `{ "packages": { "": {}, ${typescript}, "node_modules/missing": { "version": "1.0.0" } } }`,
    );
    rmSync(join(tree, 'node_modules/.rotor-installed'));
    expect(prepare().stderr).toContain('installing');
  });

  test('shows what the compiler said, and code 1, until the source is right', () => {
    write('domain/greet.ts', 'export const wrong: number = "text";\n');
    const { code, stderr } = prepare();
    expect(code).toBe(1);
    expect(stderr).toMatch(/domain\/greet\.ts\(1,14\): error TS2322/);
    expect(prepare().code).toBe(1);
    write('domain/greet.ts', greet);
    expect(prepare().code).toBe(0);
  });

  test('is compiled again when a source changed, was added or was deleted, or an output was lost', () => {
    prepare();
    appendFileSync(join(tree, 'domain/greet.ts'), 'export const added = 1;\n');
    write('domain/more.ts', 'export const more = 1;\n');
    prepare();
    expect(readFileSync(output('domain/greet.js'), 'utf8')).toContain('added');
    expect(existsSync(output('domain/more.js'))).toBe(true);
    rmSync(join(tree, 'domain/more.ts'));
    rmSync(output('domain/greet.js'));
    prepare();
    expect(existsSync(output('domain/more.js'))).toBe(false);
    expect(existsSync(output('domain/greet.js'))).toBe(true);
  });

  test('runs a script in the same process: arguments and exit code are its own', () => {
    const ran = run(join(tree, 'scripts/run.mjs'), 'dist/domain/greet.js', '--json', 'f');
    expect([ran.stdout, ran.code]).toEqual(['hello --json f\n', 7]);
  });

  test('runs the command line, through a link as well', () => {
    symlinkSync(join(tree, 'bin/rotor'), join(tree, 'rotor'));
    const rotor = (word: string): (string | number | null)[] => {
      const options = { env: environment(), encoding: 'utf8' } as const;
      const { stdout, status } = spawnSync(join(tree, 'rotor'), [word], options);
      return [stdout, status];
    };
    expect(rotor('list')).toEqual(['hello list\n', 7]);
    // With no registry to install from, a leak can still be contained.
    write('npm-fails', '');
    write('package-lock.json', '{ "packages": { "node_modules/typescript": { "version": "1" } } }');
    expect(rotor('contain')).toEqual(['hello contain\n', 7]);
    expect(rotor('list')).toEqual(['', 1]);
  });

  test('a check that fails is named, with what it said, and the code is 1', () => {
    const ran = run(join(tree, 'scripts/check.mjs'));
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(/^ok {5}types$/m);
    expect(ran.stdout.match(/^FAILED /gm)).toHaveLength(4);
    expect(ran.stdout).toContain('Cannot find module');
  });
});
