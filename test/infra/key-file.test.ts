import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { addSealingKey, createKeyFile, readKeyFile } from '../../infra/key-file.js';

describe('the key file', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), `rotor-test-${String(process.pid)}-`));
    path = join(folder, 'keys.json');
    createKeyFile(path);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  test('belongs to rotor alone, and is never overwritten', () => {
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const before = readFileSync(path, 'utf8');
    createKeyFile(path);
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(readdirSync(folder)).toEqual(['keys.json']);
  });

  test.each([0o640, 0o604, 0o666])('is refused when it can be read by others (%i)', (mode) => {
    chmodSync(path, mode);
    const refusal = { kind: 'invalid', hint: `chmod 600 ${path}` };
    expect(() => readKeyFile(path)).toThrow(expect.objectContaining(refusal));
    expect(() => {
      addSealingKey(path);
    }).toThrow(expect.objectContaining(refusal));
  });

  test.each(['', 'no JSON', '{}', '{"root":"short","sealing":[]}'])(
    'is refused, without its content, when it holds %j',
    (text) => {
      writeFileSync(path, text);
      expect(() => readKeyFile(path)).toThrow(
        expect.objectContaining({ code: 'key-file-unusable', kind: 'invalid' }),
      );
    },
  );

  test('gets a new sealing key in front, keeps the others, and derives the same as before', () => {
    const before = readKeyFile(path);
    addSealingKey(path);
    const after = readKeyFile(path);
    expect(after.sealing).toHaveLength(2);
    expect(after.sealing[1]).toEqual(before.sealing[0]);
    expect(after.sealing[0]?.key).toHaveLength(32);
    expect(after.derive('audit')).toEqual(before.derive('audit'));
    expect(after.derive('audit')).not.toEqual(after.derive('fingerprint'));
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('is replaced also where a rotation was killed half way', () => {
    writeFileSync(`${path}.next`, 'half', { mode: 0o644 });
    addSealingKey(path);
    expect(readKeyFile(path).sealing).toHaveLength(2);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});
