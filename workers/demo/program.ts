/** A program of the demo: which values it uses, what it logs in to, and where it notes each attempt. */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../infra/package-root.js';
import { launch } from '../stack/supervised.js';
import type { Place } from './places.js';

export type Login =
  /** `url`: where the authority is. */
  | { readonly kind: 'token'; readonly url: string; readonly clientId: string }
  /** The value is the whole connection URL. */
  | { readonly kind: 'postgres' };

export interface Use extends Place {
  /** The secret. */
  readonly about: string;
  readonly login: Login;
  /** Of a webhook. */
  readonly keyFile?: string;
}

export interface Task {
  readonly name: string;
  readonly uses: readonly Use[];
}

export function startProgram(folder: string, task: Task): ChildProcess {
  return launch({
    name: task.name,
    script: join(packageRoot(), 'dist', 'workers', 'demo', 'dependent.js'),
    environment: { DEMO_TASK: JSON.stringify(task) },
    logFile: attemptsFile(folder, task.name),
  });
}

export function attemptsFile(folder: string, name: string): string {
  return join(folder, `${name}.attempts`);
}
