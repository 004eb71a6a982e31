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
import {
  addSealingKey,
  createKeyFile,
  dropSealingKeys,
  kidToAdd,
  pendingKid,
  promoteSealingKey,
  readKeyFile,
} from '../../infra/key-file.js';

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
      addSealingKey(path, 'other');
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

  test('gets a new sealing key that opens, seals once promoted, and whose elders are dropped; all derives as before', () => {
    const keys = readKeyFile(path);
    const derived = keys.derive('audit');
    const [old] = keys.sealing();
    const kid = kidToAdd(path);
    addSealingKey(path, kid);
    expect([kidToAdd(path), pendingKid(path)]).toEqual([kid, kid]);
    addSealingKey(path, 'other');
    expect(keys.sealing()).toEqual([old, expect.objectContaining({ kid, pending: true })]);
    dropSealingKeys(path, [kid, old.kid]);
    expect(keys.sealing()).toHaveLength(2);
    for (const one of ['other', kid, kid, old.kid]) promoteSealingKey(path, one);
    expect(pendingKid(path)).toBeUndefined();
    expect(keys.sealing()).toEqual([{ kid, key: expect.any(Buffer) }, old]);
    dropSealingKeys(path, [kid, old.kid]);
    expect(keys.sealing().map((key) => key.kid)).toEqual([kid]);
    expect(readKeyFile(path).derive('audit')).toEqual(derived);
    expect(derived).not.toEqual(keys.derive('fingerprint'));
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('that is away or half there for a moment is not forgotten', () => {
    const keys = readKeyFile(path);
    const known = keys.sealing();
    const text = readFileSync(path);
    for (const broken of ['', 'half', undefined]) {
      if (broken === undefined) rmSync(path);
      else writeFileSync(path, broken);
      expect(keys.sealing()).toEqual(known);
    }
    writeFileSync(path, text, { mode: 0o600 });
    addSealingKey(path, 'new');
    expect(keys.sealing().map((key) => key.kid)).toContain('new');
  });

  test('is replaced also where a rotation was killed half way', () => {
    writeFileSync(`${path}.next`, 'half', { mode: 0o644 });
    addSealingKey(path, 'new');
    expect(readKeyFile(path).sealing()).toHaveLength(2);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});
