/** Texts that people read, as files: a change of one is seen as a diff of the other. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { packageRoot } from '../../infra/package-root.js';

/** ROTOR_UPDATE_GOLDEN=1 writes the file anew. */
export function expectGolden(name: string, text: string): void {
  const folder = join(packageRoot(), 'test', 'golden', 'texts');
  const file = join(folder, name);
  if (process.env['ROTOR_UPDATE_GOLDEN'] === '1') {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, text);
  }
  expect(text).toBe(readFileSync(file, 'utf8'));
}

/** Ids, hashes and times differ each time; what stands around them does not. */
export function withoutChance(text: string): string {
  return text
    .replaceAll(/\b[0-9a-f]{64}\b/g, 'HASH')
    .replaceAll(/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/g, 'ID')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, 'TIME');
}
