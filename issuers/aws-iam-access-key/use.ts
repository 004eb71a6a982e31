/** When each key of a user was used last, as IAM notes it: late, and the first of several uses only. */
import { AdapterError } from '../../domain/errors.js';
import type { ObservedUse, UseRecord } from '../../domain/issuer.js';
import type { Iam, KeyName } from './iam.js';

const minuteMs = 60_000;

/**
 * Of uses within 15 minutes the first alone is noted ("only the first use is recorded",
 * docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html). How late a note comes AWS does not say
 * for keys; for what it derives of the same requests: "usually appears within four hours"
 * (docs.aws.amazon.com/IAM/latest/APIReference/API_GenerateServiceLastAccessedDetails.html).
 */
export const noteLagMs = (4 * 60 + 15) * minuteMs;

/** A note may come after a look that went past its moment: each look tells again what may have come late. */
export async function readUse(
  iam: Iam,
  { user, since, lagMs }: { readonly user: string; readonly since: Date; readonly lagMs: number },
): Promise<UseRecord> {
  const { keys, at } = await iam.keysOf(user);
  const uses: ObservedUse[] = [];
  for (const { AccessKeyId: id } of keys) {
    if (id === undefined) continue;
    const lastAt = await lastUsed(iam, { user, id });
    if (lastAt === undefined || lastAt.getTime() < since.getTime() - lagMs) continue;
    uses.push(useOf(id, lastAt));
  }
  return {
    kind: 'last-used',
    completeThrough: at,
    continuousSince: undefined,
    resolutionMs: lagMs,
    issuerNow: at,
    uses,
  };
}

/** Of service and region that IAM tells with it, neither says who it was. */
function useOf(credentialId: string, lastAt: Date): ObservedUse {
  const minute = new Date(Math.floor(lastAt.getTime() / minuteMs) * minuteMs);
  return { credentialId, source: {}, outcome: 'accepted', minute, lastAt, count: 1 };
}

/** A key that went between the two questions was not used since. */
async function lastUsed(iam: Iam, key: KeyName): Promise<Date | undefined> {
  try {
    return await iam.lastUsed(key);
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    if (error.code !== 'not-found' && error.code !== 'not-permitted') throw error;
    const { keys } = await iam.keysOf(key.user);
    if (keys.some(({ AccessKeyId }) => AccessKeyId === key.id)) throw error;
    return undefined;
  }
}
