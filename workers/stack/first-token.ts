/** The first access token of an installation: an administrator's, in a file that only its owner reads. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openPool } from '../../infra/postgres.js';
import { createAccessToken, revokeAccessToken } from '../../infra/registry/access-tokens.js';

const validForMs = 365 * 86_400_000;

/** Returns the file. Where it was lost, the token of its name is revoked and another one made. */
export async function firstToken(stateFolder: string, databaseUrl: string): Promise<string> {
  const file = join(stateFolder, 'admin-token');
  if (existsSync(file)) return file;
  const pool = openPool(databaseUrl, 1);
  try {
    const name = 'first-admin';
    await revokeAccessToken(pool, name);
    const token = await createAccessToken(pool, {
      name,
      holder: 'person',
      organization: undefined,
      role: 'admin',
      expiresAt: new Date(Date.now() + validForMs),
    });
    writeFileSync(file, `${token}\n`, { mode: 0o600, flag: 'wx' });
    return file;
  } finally {
    await pool.end();
  }
}
