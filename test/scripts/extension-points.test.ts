import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { connectorKinds } from '../../connectors/index.js';
import { packageRoot } from '../../infra/package-root.js';
import { issuerKinds } from '../../issuers/index.js';
import { placeKinds } from '../../places/index.js';
import { storeKinds } from '../../stores/index.js';

const root = packageRoot();

function foldersOf(port: string): string[] {
  return readdirSync(join(root, port), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

const kinds = {
  connectors: connectorKinds.map(({ kind }) => kind as string),
  stores: storeKinds.map(({ kind }) => kind as string),
};
/** A kind that asks people writes nothing, and owes other things. */
const contracts = { connectors: /holdTo(Connector|Asking)Contract\(/, stores: /storeContract/ };

describe.each(['connectors', 'stores'] as const)('%s', (port) => {
  test('the folders are the kinds that are listed', () => {
    expect([...kinds[port]].sort()).toEqual(foldersOf(port).sort());
  });

  test.each(kinds[port])('%s has a README that is linked, and is held to the contract', (kind) => {
    expect(existsSync(join(root, port, kind, 'README.md'))).toBe(true);
    expect(readFileSync(join(root, port, 'README.md'), 'utf8')).toContain(`[${kind}](${kind}/)`);
    const tests = readFileSync(join(root, 'test', port, `${kind}.test.ts`), 'utf8');
    expect(tests).toMatch(contracts[port]);
  });
});

describe('issuers', () => {
  const listed = issuerKinds.map(({ kind }) => kind as string);
  /** Of rotor itself: no tests, and no examples, which name what they are about. */
  const elsewhere = [
    'activities',
    'api',
    'client',
    'domain',
    'infra',
    'reach',
    'schemas',
    'workers',
  ];

  test('the folders are the kinds that are listed', () => {
    expect([...listed].sort()).toEqual(foldersOf('issuers').sort());
  });

  test.each(listed)('%s has a README, a contract, and a whole life', (kind) => {
    expect(existsSync(join(root, 'issuers', kind, 'README.md'))).toBe(true);
    const tests = readFileSync(join(root, 'test', 'issuers', `${kind}.test.ts`), 'utf8');
    expect(tests).toMatch(/describeIssuer\(/);
  });

  // rotor's own authority is set up by the first start, and `conformance` is about http.
  const others = listed.filter((kind) => kind !== 'client-secrets' && kind !== 'http');
  test.each(others)('%s is two lines in the list, and nothing else names it', (kind) => {
    const lines = readFileSync(join(root, 'issuers', 'index.ts'), 'utf8').split('\n');
    const imported = lines.filter((line) => line.includes(`'./${kind}/index.js'`));
    expect(imported).toHaveLength(1);
    const naming = new RegExp(`kind\\W{1,6}'${kind}'|issuers/${kind}/`);
    const named = elsewhere
      .flatMap((folder) => sourcesIn(folder))
      // A proposal may guess a kind by what a value looks like; the demo shows two.
      .filter((file) => !file.endsWith('/domain/import/guess.ts'))
      .filter((file) => !file.includes('/workers/demo/'))
      .filter((file) => naming.test(readFileSync(file, 'utf8')));
    expect(named).toEqual([]);
  });
});

function sourcesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(root, folder, file));
}

describe('places', () => {
  const listed = placeKinds.map(({ kind }) => kind as string);

  test('the folders are the kinds that are listed', () => {
    expect([...listed].sort()).toEqual(foldersOf('places').sort());
  });

  test.each(listed)('%s is in the README, and has a test', (kind) => {
    expect(readFileSync(join(root, 'places', 'README.md'), 'utf8')).toContain(`\`${kind}\``);
    expect(existsSync(join(root, 'test', 'places', `${kind}.test.ts`))).toBe(true);
  });
});
