/** What the checks of issuers share: a subject, its credentials, and patience for what takes time. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';
import { AdapterError, CredentialRefused } from '../domain/errors.js';
import type {
  Credential,
  CredentialRef,
  IssuedSecret,
  Issuer,
  IssuerTraits,
  ObservedUse,
} from '../domain/issuer.js';
import { SecretValue } from '../domain/secret-value.js';

/** An issuer with one principal, and the world's ways to meet it. */
export interface IssuerUnderTest {
  readonly issuer: Issuer;
  readonly secret: IssuedSecret;
  /** Tags are `installation/version`. */
  readonly installation: string;
  /** A login by somebody who is not rotor. */
  use(value: string, userAgent: string): Promise<boolean>;
  /** Another installation makes a credential of the same principal. */
  plant(): Promise<string>;
}

export interface IssuerCheck {
  readonly name: string;
  applies(traits: IssuerTraits): boolean;
  /** It has to be used as programs use it. */
  readonly usesIt?: true;
  /** Rejects where the issuer breaks the contract. */
  run(subject: IssuerUnderTest): Promise<void>;
}

export interface Made extends CredentialRef {
  readonly tag: string;
  readonly value: SecretValue;
}

export const day = 86_400_000;
export const always = (): boolean => true;

export function ordered(subject: Pick<IssuerUnderTest, 'installation'>): {
  versionId: string;
  tag: string;
} {
  const versionId = randomUUID();
  return { versionId, tag: `${subject.installation}/${versionId}` };
}

export async function make(subject: IssuerUnderTest): Promise<Made> {
  const { issuer, secret } = subject;
  const { versionId, tag } = ordered(subject);
  const own = new SecretValue(`ours-${randomUUID()}`);
  const given = issuer.traits.valueChosenBy === 'ours' ? { value: own } : {};
  const expiresAt = new Date(Date.now() + day);
  const minted = await issuer.mint({ secret, versionId, tag, expiresAt, ...given });
  const value = issuer.traits.valueChosenBy === 'ours' ? own : minted.value;
  assert.ok(value !== undefined, 'a value that is theirs is shown with the mint');
  return { secret, versionId, tag, credentialId: minted.credentialId, value };
}

export async function accepts(subject: IssuerUnderTest, made: Made): Promise<boolean> {
  try {
    await subject.issuer.verify(made, made.value, randomUUID());
    return true;
  } catch (error) {
    if (error instanceof CredentialRefused) return false;
    throw error;
  }
}

/** Polls for as long as the issuer may take to tell everybody. */
export async function comesTrue(
  { issuer }: Pick<IssuerUnderTest, 'issuer'>,
  what: string,
  look: () => Promise<boolean>,
): Promise<void> {
  const stop = Date.now() + issuer.traits.propagationMs + 1_000;
  while (!(await look())) {
    assert.ok(Date.now() < stop, `it never came true: ${what}`);
    await pause(20);
  }
}

export async function listed(
  { issuer, secret }: IssuerUnderTest,
  { credentialId }: { readonly credentialId: string },
): Promise<Credential | undefined> {
  const found = (await issuer.list(secret)).filter((c) => c.credentialId === credentialId);
  assert.ok(found.length <= 1, 'a credential is listed once');
  return found[0];
}

export async function codeOf(work: Promise<unknown>): Promise<string> {
  const reason = await work.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  );
  if (reason instanceof AdapterError) return reason.code;
  return reason instanceof CredentialRefused ? 'credential-refused' : inspect(reason);
}

export async function usesOf(
  { issuer, secret }: IssuerUnderTest,
  { credentialId }: Made,
): Promise<ObservedUse[]> {
  const record = await issuer.observedUse?.(secret, new Date(Date.now() - day));
  assert.ok(record !== undefined, 'the record of use can be read');
  assert.equal(record.kind, issuer.traits.useRecord);
  const uses = record.uses.filter((use) => use.credentialId === credentialId);
  const lines = uses.map(({ source, outcome, minute }) =>
    JSON.stringify([source, outcome, minute]),
  );
  assert.equal(new Set(lines).size, lines.length, 'a source has one line in a minute');
  return uses;
}

export async function seen(
  subject: IssuerUnderTest,
  made: Made,
  wanted: { outcome: 'accepted' | 'refused'; userAgent: string },
): Promise<ObservedUse | undefined> {
  const uses = await usesOf(subject, made);
  return uses.find(
    ({ outcome, source }) => outcome === wanted.outcome && isOf(source, wanted.userAgent),
  );
}

export const recordsEveryUse = ({ useRecord }: IssuerTraits): boolean =>
  useRecord === 'exact' || useRecord === 'last-used';

/** By whatever the issuer knows a source: some see no name before a login, and then an address at least. */
function isOf({ userAgent, name, address }: ObservedUse['source'], called: string): boolean {
  return (userAgent ?? name) === called || (userAgent ?? name ?? address) === address;
}
