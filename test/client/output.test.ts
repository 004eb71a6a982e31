import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from '@jest/globals';
import { counted } from '../../client/cli/counted.js';
import { inLines } from '../../client/cli/output.js';
import { packageRoot } from '../../infra/package-root.js';

const dist = join(packageRoot(), 'dist');

test('names in a cell go on below', () => {
  expect(inLines(['first', 'second', 'third'], 16)).toBe('first, second,\nthird');
  expect(inLines([])).toBe('');
});

test('things are counted as people say it', () => {
  expect([counted(1, 'chain'), counted(2, 'chain'), counted(0, 'copy', 'copies')]).toEqual([
    '1 chain',
    '2 chains',
    '0 copies',
  ]);
});

async function endOf(child: ChildProcess): Promise<{ code: unknown; err: string }> {
  let err = '';
  child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString('utf8')));
  const [code] = (await once(child, 'close')) as [unknown];
  return { code, err };
}

test('where nobody reads any more, it ends quietly, as a shell expects', async () => {
  const child = spawn(process.execPath, [join(dist, 'workers', 'rotor.js'), 'help']);
  child.stdout.destroy();
  expect(await endOf(child)).toEqual({ code: 141, err: '' });
});

test('a full disk is told as one', async () => {
  const program = `
    import { endWithReader } from ${JSON.stringify(join(dist, 'client', 'cli', 'output.js'))};
    endWithReader();
    process.stdout.destroy(Object.assign(new Error('no space'), { code: 'ENOSPC' }));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
  expect(await endOf(child)).toEqual({ code: 1, err: expect.stringContaining('disk-full') });
});

test('what others wrote into names does not steer the terminal of whoever looks', async () => {
  const program = `
    import { openOutput, printError } from ${JSON.stringify(join(dist, 'client', 'cli', 'output.js'))};
    const name = 'a\\u001b[2Jb\\u202ec';
    openOutput(false).show({ name }, (value) => value.name);
    openOutput(true).show({ name }, () => '');
    printError({ message: name, code: 'x', problems: [] }, false);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString('utf8')));
  const { err } = await endOf(child);
  expect(out).toContain('a[2Jbc\n');
  expect(JSON.parse(out.slice(out.indexOf('{')))).toEqual({ name: 'a\u001b[2Jb\u202ec' });
  expect(stripVTControlCharacters(err)).toContain('a[2Jbc (x)');
});
