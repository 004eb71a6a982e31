/** The port to facts and findings of many secrets at once. No lock is held on any of them. */
import type { Finding, FindingCode } from '../finding.js';
import type { SweptSecret } from './facts.js';
import type { FindingName } from './judge.js';

export interface Pages {
  /** The last secret of the batch before. */
  readonly after: string | undefined;
  readonly limit: number;
  /** Secrets of this issuer only. */
  readonly issuer?: string;
  /** This one only. */
  readonly secretId?: string;
}

export interface SecretFindings {
  readonly secretId: string;
  readonly findings: readonly Finding[];
  readonly settled?: readonly FindingName[];
}

export interface Page {
  /** When the facts were read; what was found since is left open. */
  readonly lookedAt: Date;
  /** Whatever is open of these codes, and was not found, is over. */
  readonly codes: readonly FindingCode[];
  readonly secrets: readonly SecretFindings[];
}

export interface Told {
  readonly opened: number;
  readonly closed: number;
}

export interface SweepBook {
  /** A database that is older than the issuers is not swept: all would look wrong. */
  isRecovering(): Promise<boolean>;
  /** Names of the issuers that declared secrets have. */
  issuers(): Promise<readonly string[]>;
  read(pages: Pages): Promise<readonly SweptSecret[]>;
  /** Of secrets that a run has by now. */
  busy(secretIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** Who else knows these credentials and versions. */
  known(about: {
    readonly secret: Pick<SweptSecret, 'secretId' | 'issuer'>;
    readonly credentialIds: readonly string[];
    readonly versionIds: readonly string[];
  }): Promise<{
    readonly ofOthers: ReadonlySet<string>;
    readonly secretOf: ReadonlyMap<string, string>;
  }>;
  write(page: Page): Promise<Told>;
  /** What belongs to no secret: found, or closed with `undefined`. */
  writeOwn(name: FindingName, finding: Finding | undefined): Promise<void>;
  /** Findings of secrets that were retired, and of issuers that no secret has any more. */
  closeForgotten(): Promise<void>;
  /** The sweep has come to its end. */
  noteSwept(): Promise<void>;
}
