/** The files of the embedded PostgreSQL: where they lie, and how they come to be. */
import { execFile } from 'node:child_process';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  chmodSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { canEnter, type Account } from './account.js';
import { isUsable } from './folders.js';

export const ownerRole = 'rotor_owner';

/**
 * Where the cluster lies: in the state folder, or, where the server's account cannot go there (below a closed home, say),
 * in a folder of the system's that the state folder then links to.
 */
export function clusterFolder(stateFolder: string, account: Account | undefined): string {
  const name = join(stateFolder, 'postgres');
  if (lstatSync(name, { throwIfNoEntry: false }) !== undefined) return resolved(name);
  if (account === undefined || canEnter(stateFolder, account)) return name;
  const place = ['/var/lib/rotor', '/var/tmp/rotor'].find((folder) => isUsable(folder, account));
  if (place === undefined) {
    throw new Error(
      `PostgreSQL's account can enter neither ${stateFolder} nor /var/lib/rotor nor /var/tmp/rotor`,
    );
  }
  const home = mkdtempSync(join(place, 'state-'));
  chmodSync(home, 0o711);
  return join(home, 'postgres');
}

function resolved(name: string): string {
  try {
    return realpathSync(name);
  } catch (cause) {
    throw new Error(
      `the database files that ${name} links to are gone; remove the link to begin anew`,
      { cause },
    );
  }
}

export interface NewCluster {
  readonly binaries: string;
  readonly data: string;
  readonly stateFolder: string;
  readonly account: Account | undefined;
  readonly password: string;
}

/** Creates the cluster where there is none; one that was not finished (killed, disk full) is thrown away first. */
export async function ensureCluster(cluster: NewCluster): Promise<void> {
  const { data, stateFolder } = cluster;
  if (!existsSync(data)) {
    const draft = `${data}.new`;
    rmSync(draft, { recursive: true, force: true });
    await initialize(cluster, draft);
    renameSync(draft, data);
  }
  const name = join(stateFolder, 'postgres');
  if (lstatSync(name, { throwIfNoEntry: false }) === undefined) symlinkSync(data, name);
}

async function initialize(cluster: NewCluster, draft: string): Promise<void> {
  const passwordFile = `${draft}.password`;
  const { account } = cluster;
  mkdirSync(draft, { mode: 0o700 });
  rmSync(passwordFile, { force: true });
  writeFileSync(passwordFile, cluster.password, { mode: 0o600, flag: 'wx' });
  if (account) for (const path of [draft, passwordFile]) chownSync(path, account.uid, account.gid);
  try {
    await promisify(execFile)(
      join(cluster.binaries, 'bin', 'initdb'),
      [
        `--pgdata=${draft}`,
        `--username=${ownerRole}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--no-locale',
        '--no-instructions',
        '--no-sync',
      ],
      { cwd: dirname(draft), ...account },
    );
  } finally {
    rmSync(passwordFile, { force: true });
  }
}
