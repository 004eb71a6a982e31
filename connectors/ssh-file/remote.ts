/** A file on another machine: only below allowed roots, replaced by one rename, never over somebody else's change. */
import { createHash, randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import type { Stats } from 'ssh2';
import { AdapterError } from '../../domain/errors.js';
import { draftMs, isDraftOf } from '../../reach/draft.js';
import type { Session } from './session.js';

export interface RemoteFile {
  readonly path: string;
  readonly text: string;
  readonly stats: Pick<Stats, 'mode' | 'uid' | 'gid'>;
}

const largestFile = 1024 * 1024;

/** Links are followed before it is compared with the roots. */
export async function realRemote(
  session: Session,
  path: string,
  roots: readonly string[],
): Promise<string> {
  const real = await session.ask<string>(path, (sftp, done) => sftp.realpath(path, done));
  for (const root of roots) {
    const realRoot = await session.ask<string>(root, (sftp, done) => sftp.realpath(root, done));
    if (real.startsWith(realRoot.endsWith('/') ? realRoot : `${realRoot}/`)) return real;
  }
  throw new AdapterError(
    'not-permitted',
    `${path} is not below a folder that rotor may write in (the roots of its connector in rotor.yaml)`,
  );
}

export async function readRemote(session: Session, path: string): Promise<RemoteFile> {
  const stats = await session.ask<Stats>(path, (sftp, done) => sftp.stat(path, done));
  if (!stats.isFile() || stats.size > largestFile)
    throw new AdapterError('invalid-destination', `${path} is no file, or is larger than 1 MiB`);
  const bytes = await session.ask<Buffer>(path, (sftp, done) => sftp.readFile(path, done));
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return { path, text, stats };
  } catch {
    throw new AdapterError('invalid-destination', `${path} is not UTF-8 text`);
  }
}

export async function replaceRemote(
  session: Session,
  before: RemoteFile,
  text: string,
): Promise<void> {
  const { path } = before;
  const beside = `${besideOf(path)}.rotor-${randomBytes(6).toString('hex')}`;
  try {
    await writeLike(session, beside, { ...before, text });
    await refuseBesideOthers(session, path, beside);
    const now = await readRemote(session, path);
    if (digestOf(now.text) !== digestOf(before.text))
      throw new AdapterError('changed-meanwhile', `${path} was changed by somebody else`);
    await session.ask<void>(path, (sftp, done) =>
      sftp.ext_openssh_rename(beside, path, (error) => done(error, undefined)),
    );
  } catch (error) {
    await removeRemote(session, beside);
    throw error;
  }
}

function besideOf(path: string): string {
  return posix.join(posix.dirname(path), `.${posix.basename(path)}`);
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** With the mode and the owner of the file, and on the disk before it takes its place. */
async function writeLike(
  session: Session,
  beside: string,
  { text, stats: { mode, uid, gid } }: RemoteFile,
): Promise<void> {
  const handle = await session.ask<Buffer>(beside, (sftp, done) =>
    sftp.open(beside, 'wx', 0o600, done),
  );
  const bytes = Buffer.from(text);
  if (bytes.length > 0)
    await session.ask<void>(beside, (sftp, done) =>
      sftp.write(handle, bytes, 0, bytes.length, 0, (error) => done(error, undefined)),
    );
  const own = await session.ask<Stats>(beside, (sftp, done) => sftp.fstat(handle, done));
  if (own.uid !== uid || own.gid !== gid)
    await session.ask<void>(beside, (sftp, done) =>
      sftp.fchown(handle, uid, gid, (error) => done(error, undefined)),
    );
  await session.ask<void>(beside, (sftp, done) =>
    sftp.fchmod(handle, mode & 0o7777, (error) => done(error, undefined)),
  );
  await session.ask<void>(beside, (sftp, done) =>
    sftp.ext_openssh_fsync(handle, (error) => done(error, undefined)),
  );
  await session.ask<void>(beside, (sftp, done) =>
    sftp.close(handle, (error) => done(error, undefined)),
  );
}

interface Entry {
  readonly filename: string;
  readonly attrs: { readonly mtime: number };
}

/** What a killed write left holds a value, so it goes; the machine's own clock says how old it is. */
async function refuseBesideOthers(session: Session, path: string, own: string): Promise<void> {
  const folder = posix.dirname(path);
  const all = await session.ask<readonly Entry[]>(folder, (sftp, done) =>
    sftp.readdir(folder, (error, list) => done(error, list)),
  );
  const ours = all.filter(({ filename }) => isDraftOf(posix.basename(path), filename));
  const now = ours.find(({ filename }) => posix.join(folder, filename) === own)?.attrs.mtime ?? 0;
  for (const { filename, attrs } of ours) {
    const other = posix.join(folder, filename);
    if (other === own) continue;
    if (now - attrs.mtime <= draftMs / 1_000)
      throw new AdapterError('busy', `another process of rotor is writing ${path}`);
    await removeRemote(session, other);
  }
}

async function removeRemote(session: Session, path: string): Promise<void> {
  await session
    .ask<void>(path, (sftp, done) => sftp.unlink(path, (error) => done(error, undefined)))
    .catch(() => undefined);
}
