/** Folders and destinations of a test's own. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import type { Delivery, Destination } from '../../domain/connector.js';
import { SecretValue } from '../../domain/secret-value.js';

export interface Folder {
  readonly path: string;
  file(name: string): string;
  remove(): void;
}

export function newFolder(): Folder {
  const path = realpathSync(mkdtempSync(join(tmpdir(), `rotor-test-${String(process.pid)}-`)));
  return {
    path,
    file: (name) => join(path, name),
    remove: () => {
      rmSync(path, { recursive: true, force: true });
    },
  };
}

export function destinationAt(address: Record<string, unknown>): Destination {
  return { destinationId: randomUUID(), identity: JSON.stringify(address), address };
}

export function deliveryOf(destination: Destination, text: string): Delivery {
  const version = { versionId: randomUUID(), value: new SecretValue(text) };
  return { destination, version, known: [version], signal: AbortSignal.timeout(30_000) };
}
