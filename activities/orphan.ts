/** A second credential of one mint: it becomes a version and a finding, and ends through the gate. */
import type { Credential } from '../domain/issuer.js';
import { recordOrphan } from '../domain/steps/orphan.js';
import type { Ports } from './ports.js';
import { revokeVersion } from './revoke.js';

/** Where the gate has something against it, it stays as a version: the next plan ends it as it ends any other. */
export async function endOrphan(
  ports: Ports,
  runId: string,
  credential: Credential,
): Promise<void> {
  const versionId = await ports.registry.decide(runId, (facts) =>
    recordOrphan(facts, credential, ports.newId()),
  );
  ports.reached('create:orphan');
  await revokeVersion(ports, runId, versionId);
}
