import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { connectorKinds } from '../../connectors/index.js';
import { packageRoot } from '../../infra/package-root.js';
import { placeKinds } from '../../places/index.js';
import * as stores from '../../stores/index.js';

const root = packageRoot();

function foldersOf(port: string): string[] {
  return readdirSync(join(root, port), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

const kinds = {
  connectors: connectorKinds.map(({ kind }) => kind as string),
  stores: Object.keys(stores).map(
    (name) => /^open(\w+)Store$/.exec(name)?.[1]?.toLowerCase() ?? name,
  ),
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
