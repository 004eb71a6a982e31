import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readdirSync, realpathSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { postgresBinaries } from '../../infra/embedded/postgres-binaries.js';

let cache: string;

beforeAll(() => {
  cache = realpathSync(mkdtempSync(join(tmpdir(), 'rotor-binaries-')));
});

afterAll(() => {
  rmSync(cache, { recursive: true, force: true });
});

function filesOutside(place: string): string[] {
  const names = readdirSync(join(place, 'lib')).map((name) => join(place, 'lib', name));
  return names.filter((name) => !realpathSync(name).startsWith(place + sep));
}

describe('the copy of the programs of PostgreSQL', () => {
  it('stands by itself: it outlives the checkout that made it', () => {
    expect(filesOutside(postgresBinaries(cache))).toEqual([]);
  });

  it('is put right where its links lead elsewhere', () => {
    const place = postgresBinaries(cache);
    const library = readdirSync(join(place, 'lib')).find((name) => name.endsWith('.so')) ?? '';
    const link = join(place, 'lib', library);
    symlinkSync('/nowhere', `${link}.bad`);
    renameSync(`${link}.bad`, link);
    expect(filesOutside(postgresBinaries(cache))).toEqual([]);
  });
});
