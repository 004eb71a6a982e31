/** Holds a server that speaks the protocol of the issuer `http` to the contract of issuers. */
import { createHash, randomUUID } from 'node:crypto';
import type { ConformanceAsked, RuleVerdict } from '../client/cli/conformance.js';
import { issuerChecks } from '../conformance/checks.js';
import { holdIssuer } from '../conformance/hold.js';
import { namedMintChecks } from '../conformance/named-mints.js';
import { codeOf, type IssuerUnderTest } from '../conformance/subject.js';
import { AdapterError, RotorError } from '../domain/errors.js';
import type { CredentialRef, IssuedSecret, Issuer } from '../domain/issuer.js';
import { SecretValue } from '../domain/secret-value.js';
import { http } from '../issuers/http/index.js';
import { openServer, type ServerOptions } from '../issuers/http/server.js';
import { runProgram } from '../reach/program.js';
import { check } from '../schemas/problems.js';

type Told = (verdict: RuleVerdict) => void;

const fits = 'it tells its protocol and its traits';

export async function holdHttp(asked: ConformanceAsked, told: Told): Promise<RuleVerdict[]> {
  const server = serverOf(asked);
  const traits = await openServer(server)
    .describe()
    .catch((error: unknown) => refusedOr(error, told));
  if (!('overlap' in traits)) return [traits];
  const before: RuleVerdict[] = [
    { rule: fits, outcome: 'kept', why: undefined },
    await asksForItsToken(server),
  ];
  before.forEach(told);
  const options = { ...server, traits };
  const open = (installationId: string): Issuer =>
    http.open(options, { installationId, fingerprint });
  await demandEmpty(open(randomUUID()), asked);
  const prepare = () => Promise.resolve(subjectOf(asked, open));
  const checks = [...issuerChecks, ...namedMintChecks];
  const usable = asked.use !== undefined;
  return [...before, ...(await holdIssuer({ checks, prepare, usable, told }))];
}

async function asksForItsToken({ tokenFile, ...server }: ServerOptions): Promise<RuleVerdict> {
  const rule = 'whoever comes without its token is refused';
  if (tokenFile === undefined)
    return { rule, outcome: 'not-checked', why: 'it takes a token (--token-file)' };
  const secret = { id: 'stranger', name: 'stranger', specification: { principal: 'stranger' } };
  const code = await codeOf(openServer(server).list({ secret }));
  if (code === 'not-permitted') return { rule, outcome: 'kept', why: undefined };
  return { rule, outcome: 'broken', why: 'expected HTTP 401 to /list without a token' };
}

/** Asked for by nobody here, and stable all the same. */
function fingerprint(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** All that is wrong with what was typed, at once. */
function serverOf({ url, tokenFile, caFile, specification }: ConformanceAsked): ServerOptions {
  const wanted = http.options.omit({ traits: true });
  const options = check(wanted, { url, tokenFile, caFile });
  const declared = check(
    http.specification,
    specification ?? { principal: 'any' },
    'specification',
  );
  if ('value' in options && 'value' in declared) return options.value;
  const problems = [options, declared].flatMap((one) => ('problems' in one ? one.problems : []));
  throw new RotorError('usage-invalid', 'this names no server that could be checked', {
    kind: 'invalid',
    problems,
    hint: 'rotor conformance http --help shows how',
  });
}

/** An answer that is not of the protocol breaks the first rule; a server that is away breaks none. */
function refusedOr(error: unknown, told: Told): RuleVerdict {
  if (!(error instanceof AdapterError)) throw error;
  if (error.code !== 'bad-reply' && error.code !== 'refused') throw unusable(error);
  const verdict = { rule: fits, outcome: 'broken', why: error.message } as const;
  told(verdict);
  return verdict;
}

function unusable({ code, message }: AdapterError): RotorError {
  const denied = code === 'not-permitted';
  return new RotorError('issuer-not-checked', `nothing was checked: ${message}`, {
    kind: denied ? 'denied' : 'unavailable',
    hint: denied ? 'is --token-file the right one?' : 'is the server up, and the address right?',
  });
}

async function demandEmpty(issuer: Issuer, { specification }: ConformanceAsked): Promise<void> {
  if (specification === undefined) return;
  const listed = await issuer.list(secretOf(specification)).catch((error: unknown) => {
    throw error instanceof AdapterError ? unusable(error) : error;
  });
  if (listed.length === 0) return;
  throw new RotorError(
    'principal-in-use',
    `the principal has credentials already (${listed.length}): they could be in use`,
    { kind: 'conflict', hint: '--specification with a principal that has none' },
  );
}

function secretOf(specification: IssuedSecret['specification']): IssuedSecret {
  return { secretId: randomUUID(), name: 'conformance/check', specification };
}

type Prepared = IssuerUnderTest & { close(): Promise<void> };

function subjectOf(asked: ConformanceAsked, open: (installation: string) => Issuer): Prepared {
  const installation = randomUUID();
  const own = { principal: `rotor-conformance-${randomUUID()}` };
  const secret = secretOf(asked.specification ?? own);
  const made: { readonly issuer: Issuer; readonly ref: CredentialRef }[] = [];
  const issuer = noting(open(installation), (of, ref) => made.push({ issuer: of, ref }));
  return {
    issuer,
    secret,
    installation,
    use: (value, name) => uses(asked.use ?? '', value, name),
    plant: async () => {
      const other = randomUUID();
      const rival = noting(open(other), (of, ref) => made.push({ issuer: of, ref }));
      const versionId = randomUUID();
      const value = new SecretValue(`theirs-${randomUUID()}`);
      const given = rival.traits.valueChosenBy === 'ours' ? { value } : {};
      const tag = `${other}/${versionId}`;
      const request = { secret, versionId, tag, expiresAt: undefined, ...given };
      return (await rival.mint(request)).credentialId;
    },
    close: () => endAll(made),
  };
}

function noting(issuer: Issuer, note: (issuer: Issuer, ref: CredentialRef) => void): Issuer {
  return {
    ...issuer,
    mint: async (request) => {
      const minted = await issuer.mint(request);
      const { secret, versionId, tag } = request;
      note(issuer, { secret, versionId, tag, credentialId: minted.credentialId });
      return minted;
    },
  };
}

/** That it cannot be revoked is what a rule of its own tells. */
async function endAll(
  made: readonly { readonly issuer: Issuer; readonly ref: CredentialRef }[],
): Promise<void> {
  for (const { issuer, ref } of made) await issuer.revoke(ref).catch(() => undefined);
}

const useTimeoutMs = 10_000;

async function uses(executable: string, value: string, name: string): Promise<boolean> {
  const { exitCode } = await runProgram({
    executable,
    args: [name],
    environment: {},
    input: value,
    timeoutMs: useTimeoutMs,
    signal: undefined,
  });
  if (exitCode === 0 || exitCode === 1) return exitCode === 0;
  throw new AdapterError('bad-reply', `${executable} ended with neither 0 nor 1`);
}
