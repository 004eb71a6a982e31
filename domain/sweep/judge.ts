/** The rules that ask nobody, as one list: what they find in a secret, and what is over. */
import type { Finding, FindingCode } from '../finding.js';
import type { SweptSecret } from './facts.js';
import { staleGrant, staleVersion, undocumented } from './inventory.js';
import { expired, expiring, neverRotated, overdue } from './lifetime.js';
import type { Rule } from './rule.js';
import { settlings } from './settled.js';
import { dependentSilent, undeclaredUse, unused } from './use.js';

const rules: readonly Rule[] = [
  expiring,
  expired,
  overdue,
  neverRotated,
  unused,
  undeclaredUse,
  dependentSilent,
  undocumented,
  staleVersion,
  staleGrant,
];

/** Whatever is open of these and was not found again is closed. */
export const judgedCodes: readonly FindingCode[] = rules.map(({ code }) => code);

export interface FindingName {
  readonly code: FindingCode;
  readonly about: string;
}

export interface Judged {
  readonly findings: readonly Finding[];
  /** Of codes that others raise. */
  readonly settled: readonly FindingName[];
}

export function judge(secret: SweptSecret): Judged {
  const findings = rules.flatMap(({ code, find }) =>
    find(secret).map((found): Finding => ({ code, ...found })),
  );
  const settled = secret.open
    .filter((finding) =>
      settlings.some(({ code, isSettled }) => code === finding.code && isSettled(finding, secret)),
    )
    .map(({ code, about }) => ({ code, about }));
  return { findings, settled };
}
