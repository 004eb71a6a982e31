/** PostgreSQL refuses to run as root: which account runs it then, and what that account can reach. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** The account for PostgreSQL where we are root: `postgres`, else `nobody`; undefined where we can stay who we are. */
export function serverAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const account = accountNamed('postgres') ?? accountNamed('nobody');
  if (account === undefined) {
    throw new Error(
      'PostgreSQL cannot run as root, and there is neither a user postgres nor a user nobody',
    );
  }
  return account;
}

/** Undefined where there is no such account. */
export function accountNamed(name: string): Account | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined
    ? undefined
    : { uid: Number(uid), gid: Number(gid) };
}

/** Asks the system itself, by going there as that account: permissions, lists and mounts all count. */
export function canEnter(folder: string, account: Account | undefined): boolean {
  const visit = spawnSync('/bin/sh', ['-c', 'cd -- "$1"', 'sh', folder], {
    cwd: '/',
    stdio: 'ignore',
    ...account,
  });
  return visit.status === 0;
}
