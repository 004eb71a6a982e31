/** Waits for a maintenance window, before anything is made. */
import type { Answer } from '../domain/run.js';
import { decideWindow } from '../domain/steps/window.js';
import type { OfRun, Ports } from './ports.js';

export function window(ports: Ports, { runId }: OfRun): Promise<Answer> {
  return ports.registry.decide(runId, decideWindow);
}
