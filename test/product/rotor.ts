/** The command as a process, in a pipe: plain text, no colours. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../infra/package-root.js';
import type { Installation } from '../faults/installation.js';

export interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export type Rotor = (
  args: readonly string[],
  more?: { readonly input?: string; readonly env?: Readonly<Record<string, string>> },
) => Promise<Said>;

export function rotorIn({ folder }: Pick<Installation, 'folder'>): Rotor {
  return (args, more = {}) => {
    const script = join(packageRoot(), 'dist', 'workers', 'rotor.js');
    const { FORCE_COLOR: _colour, ...environment } = process.env;
    const child = spawn(process.execPath, [script, ...args], {
      env: { ...environment, NO_COLOR: '1', ROTOR_STATE: folder, ...more.env },
    });
    child.stdin.end(more.input ?? '');
    const said = { out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString('utf8')));
    return new Promise((resolve) => {
      child.once('close', (code) => resolve({ code, ...said }));
    });
  };
}
