/** What the servers that `npm start` brings along say of themselves: where they are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ServersTold {
  readonly pid: number;
  readonly databaseUrl: string;
  readonly databaseOwnerUrl: string;
  readonly temporalAddress: string;
  readonly temporalUiUrl?: string;
}

export function serversFile(stateFolder: string): string {
  return join(stateFolder, 'servers.json');
}

/** Undefined where it is not written yet, or gone. */
export function readTold(file: string): ServersTold | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ServersTold;
  } catch {
    return undefined;
  }
}
