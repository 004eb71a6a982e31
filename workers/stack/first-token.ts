/** The first access token of an installation: an administrator's, in a file that only its owner reads. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readKeyFile } from '../../infra/key-file.js';
import { openPool } from '../../infra/postgres.js';
import { createAccessToken, revokeAccessToken } from '../../infra/registry/access-tokens.js';
import { openAudit } from '../../infra/registry/audit.js';

const validForMs = 365 * 86_400_000;
const name = 'first-admin';
const by = 'rotor setup';

export interface TokenPlace {
  readonly stateFolder: string;
  readonly keyFile: string;
  readonly databaseUrl: string;
}

/** Returns the file. Where it was lost, the token of its name is revoked and another one made. */
export async function firstToken({
  stateFolder,
  keyFile,
  databaseUrl,
}: TokenPlace): Promise<string> {
  const file = join(stateFolder, 'admin-token');
  if (existsSync(file)) return file;
  const pool = openPool(databaseUrl, 1);
  try {
    const parts = { pool, audit: openAudit(readKeyFile(keyFile).derive('audit')) };
    await revokeAccessToken(parts, { name, organization: undefined, by });
    const expiresAt = new Date(Date.now() + validForMs);
    const request = {
      name,
      person: name,
      holder: 'person',
      organization: undefined,
      role: 'admin',
      expiresAt,
    } as const;
    const token = await createAccessToken(parts, request, by);
    writeFileSync(file, `${token}\n`, { mode: 0o600, flag: 'wx' });
    return file;
  } finally {
    await pool.end();
  }
}
