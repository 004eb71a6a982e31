/** Sealed values and what is done with them at an issuer: the few lines that every step needs. */
import { sleep } from '@temporalio/activity';
import type { KnownValue } from '../domain/connector.js';
import { CredentialRefused } from '../domain/errors.js';
import type { CredentialRef, Issuer } from '../domain/issuer.js';
import type { SecretValue } from '../domain/secret-value.js';
import type { Ports } from './ports.js';

/** The values of those versions that the store has. */
export async function openValues(
  { store }: Ports,
  versionIds: readonly string[],
): Promise<KnownValue[]> {
  const values = await Promise.all(
    versionIds.map(async (versionId) => ({ versionId, value: await store.get(versionId) })),
  );
  return values.flatMap(({ versionId, value }) =>
    value === undefined ? [] : [{ versionId, value }],
  );
}

/** Sealed before the issuer learns it: a retry goes forward with the same value. */
export async function sealOwnValue({ store, newValue }: Ports, versionId: string): Promise<void> {
  if ((await store.get(versionId)) === undefined) await store.put(versionId, newValue());
}

export interface Probe {
  readonly ref: CredentialRef;
  readonly value: SecretValue;
  readonly mark: string;
}

/** One login with the value: false where the issuer refuses it; every other failure is thrown. */
export async function isAccepted(issuer: Issuer, { ref, value, mark }: Probe): Promise<boolean> {
  try {
    await issuer.verify(ref, value, mark);
    return true;
  } catch (error) {
    if (error instanceof CredentialRefused) return false;
    throw error;
  }
}

const tries = 3;
const longestPauseMs = 1_000;

/** Where a change takes a while to hold everywhere, one yes may be one server's: several in a row are asked for. */
export async function isAcceptedAgain(issuer: Issuer, { mark, ...probe }: Probe): Promise<boolean> {
  const { propagationMs } = issuer.traits;
  if (propagationMs === 0) return isAccepted(issuer, { ...probe, mark });
  const pauseMs = Math.min(longestPauseMs, propagationMs / tries);
  for (let attempt = 1; attempt <= tries; attempt += 1) {
    if (attempt > 1) await sleep(pauseMs);
    if (!(await isAccepted(issuer, { ...probe, mark: `${mark}-${attempt}` }))) return false;
  }
  return true;
}
