/** Waits for people; what they approved is in the database. */
import type { Answer } from '../domain/run.js';
import { decideApprove } from '../domain/steps/approve.js';
import type { OfRun, Ports } from './ports.js';

export function approve(ports: Ports, { runId }: OfRun): Promise<Answer> {
  return ports.registry.decide(runId, decideApprove);
}
