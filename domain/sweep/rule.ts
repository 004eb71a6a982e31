/** What a rule of the sweep is: facts in, findings of its code out; what it no longer finds is closed. */
import type { Finding, FindingCode } from '../finding.js';
import type { OpenFinding, SweptSecret } from './facts.js';

export type Found = Omit<Finding, 'code'>;

export interface Rule {
  readonly code: FindingCode;
  find(secret: SweptSecret): readonly Found[];
}

/** For findings that others raise: whether the facts have settled one. */
export interface Settling {
  readonly code: FindingCode;
  isSettled(finding: OpenFinding, secret: SweptSecret): boolean;
}
