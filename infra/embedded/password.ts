/** Passwords of the embedded PostgreSQL: random, each in a file that only we can read. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/** The password in that file, made at the first call. */
export function passwordIn(file: string): string {
  if (!existsSync(file)) {
    const draft = `${file}.${String(process.pid)}`;
    writeFileSync(draft, randomBytes(24).toString('base64url'), { mode: 0o600 });
    renameSync(draft, file);
  }
  return readFileSync(file, 'utf8').trim();
}
