/** Runs a server that must not outlive us: a small shell holds a pipe from this process, and stops the server when it closes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fchmodSync, openSync } from 'node:fs';
import { once } from 'node:events';
import type { Account } from './account.js';

export interface Guarded {
  /** Resolves when the server has ended, whatever the cause. */
  readonly ended: Promise<void>;
  /** The server's process id; undefined where the watchdog itself could not be started. */
  readonly pid: number | undefined;
  hasEnded(): boolean;
  /** Idempotent; resolves when the server is gone. */
  stop(): Promise<void>;
}

export interface GuardedCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly stopSignal: 'INT' | 'TERM';
  readonly account: Account | undefined;
  /** Added to the environment of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What the server prints is appended there. */
  readonly log: string;
}

/** Closing fd 3 in the server matters: it must not hold the pipe that its own watchdog listens on. */
const script = `
signal=$1; shift
exec 3<&0
"$@" </dev/null >&2 3<&- &
server=$!
echo "$server"
exec >&2
(
  while read -r line; do :; done <&3
  kill -s "$signal" "$server" 2>/dev/null
  tries=30
  while [ "$tries" -gt 0 ] && kill -0 "$server" 2>/dev/null; do sleep 0.1; tries=$((tries - 1)); done
  kill -s KILL "$server" 2>/dev/null
) &
watcher=$!
wait "$server"
code=$?
kill "$watcher" 2>/dev/null
exit "$code"
`;

/** Starts the command in its own session, so that an interrupt typed at a terminal reaches us alone and we stop it in order. */
export async function startGuarded(command: GuardedCommand): Promise<Guarded> {
  const log = openSync(command.log, 'a', 0o600);
  fchmodSync(log, 0o600);
  const shell = spawn(
    '/bin/sh',
    ['-c', script, 'rotor-watchdog', command.stopSignal, command.command, ...command.args],
    {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'pipe', log],
      env: { ...process.env, ...command.environment },
      ...(command.account && { uid: command.account.uid, gid: command.account.gid }),
    },
  );
  closeSync(log);
  return guard(shell);
}

async function guard(shell: ChildProcess): Promise<Guarded> {
  let gone = false;
  const ended = endOf(shell).then(() => {
    gone = true;
  });
  shell.stdin?.on('error', () => undefined);
  const pid = await firstLine(shell);
  return {
    pid: pid === '' ? undefined : Number(pid),
    ended,
    hasEnded: () => gone,
    async stop() {
      shell.stdin?.end();
      await ended;
    },
  };
}

/** The watchdog tells the server's process id, then closes its output; empty where it never began. */
async function firstLine(shell: ChildProcess): Promise<string> {
  let text = '';
  for await (const part of shell.stdout ?? []) text += String(part);
  return text.trim();
}

async function endOf(shell: ChildProcess): Promise<void> {
  try {
    await once(shell, 'exit');
  } catch {
    // It could not be started at all: ended, too. The log and the readiness check say why.
  }
}
