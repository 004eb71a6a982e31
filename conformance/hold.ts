/** Holds an issuer to the contract where no test runner is: each rule is kept, broken with the reason, or not checked. */
import { AssertionError } from 'node:assert';
import { AdapterError, CredentialRefused } from '../domain/errors.js';
import type { IssuerCheck, IssuerUnderTest } from './subject.js';

export interface Verdict {
  readonly rule: string;
  readonly outcome: 'kept' | 'broken' | 'not-checked';
  readonly why: string | undefined;
}

export interface Holding {
  readonly checks: readonly IssuerCheck[];
  /** For each rule anew: it has no credential yet. */
  prepare(): Promise<IssuerUnderTest & { close(): Promise<void> }>;
  /** Whether it can be used as programs use it. */
  readonly usable: boolean;
  told(verdict: Verdict): void;
}

export async function holdIssuer({ checks, prepare, usable, told }: Holding): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const check of checks) {
    const subject = await prepare();
    if (!check.applies(subject.issuer.traits)) {
      await subject.close();
      continue;
    }
    const isChecked = usable || check.usesIt !== true;
    const verdict = isChecked ? await tried(check, subject) : unchecked(check);
    await subject.close();
    told(verdict);
    verdicts.push(verdict);
  }
  return verdicts;
}

async function tried({ name: rule, run }: IssuerCheck, subject: IssuerUnderTest): Promise<Verdict> {
  try {
    await run(subject);
    return { rule, outcome: 'kept', why: undefined };
  } catch (error) {
    return { rule, outcome: 'broken', why: whyOf(error) };
  }
}

function unchecked({ name: rule }: IssuerCheck): Verdict {
  return { rule, outcome: 'not-checked', why: 'it takes a program that logs in (--use)' };
}

/** In the words of the checks and of ours: none holds a value, as what Node adds on further lines may. */
function whyOf(error: unknown): string {
  if (error instanceof AssertionError) return error.message.split('\n', 1).join('').trim();
  if (error instanceof AdapterError) return `${error.message} (${error.code})`;
  if (error instanceof CredentialRefused) return error.message;
  return error instanceof Error ? `failed: ${error.name}` : 'failed';
}
