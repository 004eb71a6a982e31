/** An issuer of one principal in this process that plays every trait, and every way an issuer can fail. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { AdapterError, CredentialRefused } from '../../domain/errors.js';
import type {
  Credential,
  CredentialRef,
  Issuer,
  IssuerTraits,
  Minted,
  MintRequest,
  UseSource,
} from '../../domain/issuer.js';
import { SecretValue } from '../../domain/secret-value.js';
import { readTag } from '../../issuers/tag.js';
import { openUseLog, type UseLog } from './use-log.js';

export interface Made {
  readonly credentialId: string;
  readonly tag: string | undefined;
  readonly value: string;
  readonly expiresAt: Date | undefined;
  readonly rights: Readonly<Record<string, string>>;
  readonly madeAt: number;
  disabledUntil: Date | undefined;
}

/** What goes wrong, and how often still; tests change it while the engine runs. */
export interface Trouble {
  /** Mints whose effect happens and whose answer is lost. */
  lostMints: number;
  /** Mints that never get there, and of which nobody is told so. */
  vanishedMints: number;
  /** Revokes whose effect happens and whose answer is lost. */
  lostRevokes: number;
  /** Calls of any kind that do not get through. */
  down: number;
  /** Calls of any kind that are asked to come back. */
  busy: number;
  retryAfterMs: number;
  /** Each call takes this long. */
  slowMs: number;
  /** Somebody else makes a credential at the moment of this many mints. */
  rivals: number;
  /** Mints that happen twice, tag and all: something on the way sends the request again. */
  twins: number;
  /** Second tries of a good value that come to a server which has not heard of it yet. */
  staleSeconds: number;
  /** A mint answers with this credential, which is somebody else's. */
  answersWith: string | undefined;
}

export interface TestIssuerOptions {
  readonly traits?: Partial<IssuerTraits>;
  /** The clock of the issuer is this much ahead of ours. */
  readonly skewMs?: number;
  /** Of the record of use. */
  readonly resolutionMs?: number;
  /** A listing lags this much behind, where that is more than its traits admit. */
  readonly listsAfterMs?: number;
  /** Rights of whatever it makes, whatever was asked for. */
  readonly rights?: Readonly<Record<string, string>>;
}

export interface TestIssuer extends Issuer {
  readonly live: ReadonlyMap<string, Made>;
  readonly trouble: Trouble;
  /** Whether the value is accepted now; the attempt is on record. */
  use(value: string, source: UseSource): boolean;
  /** A credential older than rotor. */
  adopted(value: string, expiresAt?: Date): string;
  /** Another installation, or a person, makes a credential. */
  plant(tag?: string): string;
  /** Somebody removes a credential by hand. */
  remove(credentialId: string): void;
}

const ordinary: IssuerTraits = {
  overlap: { kind: 'many' },
  valueChosenBy: 'theirs',
  tag: 'place',
  disable: 'expires',
  seesRefusals: true,
  useRecord: 'exact',
  tellsProbesApart: true,
  lists: true,
  propagationMs: 0,
  outlives: 'nothing',
  outlivesMs: 0,
  tellsOpenUseApart: true,
  longestValidityMs: undefined,
};

interface Principal {
  readonly traits: IssuerTraits;
  readonly installation: () => string;
  readonly now: () => Date;
  readonly rights: Readonly<Record<string, string>>;
  readonly listsAfterMs: number;
  readonly live: Map<string, Made>;
  readonly dead: Map<string, string>;
  /** How often each value was proven. */
  readonly proofs: Map<string, number>;
  readonly log: UseLog;
  readonly trouble: Trouble;
}

export function testIssuer(
  installation: () => string,
  options: TestIssuerOptions = {},
): TestIssuer {
  const traits: IssuerTraits = { ...ordinary, ...options.traits };
  const now = (): Date => new Date(Date.now() + (options.skewMs ?? 0));
  const principal: Principal = {
    traits,
    installation,
    now,
    rights: options.rights ?? {},
    listsAfterMs: options.listsAfterMs ?? traits.propagationMs,
    live: new Map(),
    dead: new Map(),
    proofs: new Map(),
    log: openUseLog({ traits, now, resolutionMs: options.resolutionMs ?? 0 }),
    trouble: noTrouble(),
  };
  return {
    kind: 'test',
    traits,
    live: principal.live,
    trouble: principal.trouble,
    ...calls(principal),
    ...(traits.disable === 'none' ? {} : switches(principal)),
    ...(traits.useRecord === 'absent'
      ? {}
      : {
          observedUse: async (_secret, since) => {
            await answer(principal);
            return principal.log.since(since);
          },
        }),
    use: (value, source) => attempt(principal, value, source),
    adopted: (value, expiresAt) => keep(principal, { value, tag: undefined, expiresAt }),
    plant: (tag) =>
      keep(principal, { value: `foreign-${randomUUID()}`, tag, expiresAt: undefined }),
    remove: (credentialId) => end(principal, credentialId),
  };
}

function noTrouble(): Trouble {
  return {
    lostMints: 0,
    vanishedMints: 0,
    lostRevokes: 0,
    down: 0,
    busy: 0,
    retryAfterMs: 50,
    slowMs: 0,
    rivals: 0,
    twins: 0,
    staleSeconds: 0,
    answersWith: undefined,
  };
}

type Calls = Pick<Issuer, 'mint' | 'verify' | 'revoke' | 'list'>;

function calls(principal: Principal): Calls {
  const { trouble, traits, live, log } = principal;
  return {
    mint: async (request) => {
      await answer(principal);
      rival(principal);
      lose(trouble, 'vanishedMints', undefined);
      const minted = mint(principal, request);
      twin(principal, request);
      return lose(trouble, 'lostMints', minted);
    },
    verify: async (ref, value) => {
      await answer(principal);
      const made = byValue(principal, value.reveal());
      const credentialId = made?.credentialId ?? principal.dead.get(value.reveal());
      const accepted = accepts(principal, made);
      if (!traits.tellsProbesApart && credentialId !== undefined)
        log.note(credentialId, { userAgent: 'rotor' }, accepted);
      if (!accepted || credentialId !== ref.credentialId) throw new CredentialRefused();
      refuseStale(principal, value.reveal());
    },
    revoke: async (ref) => {
      await answer(principal);
      if (own(principal, ref) !== undefined) end(principal, ref.credentialId);
      lose(trouble, 'lostRevokes', undefined);
    },
    list: async () => {
      await answer(principal);
      if (!traits.lists) throw new AdapterError('not-permitted', 'credentials are not listed');
      return [...live.values()].filter((made) => isTold(principal, made)).map(listing(principal));
    },
  };
}

function refuseStale({ proofs, trouble }: Principal, value: string): void {
  const count = (proofs.get(value) ?? 0) + 1;
  proofs.set(value, count);
  if (count !== 2 || trouble.staleSeconds === 0) return;
  trouble.staleSeconds -= 1;
  throw new CredentialRefused();
}

function switches(principal: Principal): Required<Pick<Issuer, 'disable' | 'enable'>> {
  const forEver = new Date(8_640_000_000_000_000);
  return {
    disable: async (ref, until) => {
      await answer(principal);
      const made = own(principal, ref);
      if (made === undefined) throw new AdapterError('not-found', 'no such credential');
      made.disabledUntil = principal.traits.disable === 'manual' ? forEver : until;
    },
    enable: async (ref) => {
      await answer(principal);
      const made = own(principal, ref);
      if (made !== undefined) made.disabledUntil = undefined;
    },
  };
}

/** Slow, down or busy: before anything has happened. */
async function answer({ trouble }: Principal): Promise<void> {
  if (trouble.slowMs > 0) await pause(trouble.slowMs);
  if (trouble.down > 0) {
    trouble.down -= 1;
    throw new AdapterError('unreachable', 'the issuer cannot be reached');
  }
  if (trouble.busy === 0) return;
  trouble.busy -= 1;
  throw new AdapterError('busy', 'the issuer asks to come back later', trouble.retryAfterMs);
}

/** After everything has happened, or nothing. */
function lose<T>(
  trouble: Trouble,
  what: 'lostMints' | 'vanishedMints' | 'lostRevokes',
  reply: T,
): T {
  if (trouble[what] === 0) return reply;
  trouble[what] -= 1;
  throw new AdapterError('timed-out', 'the issuer did not answer in time');
}

function mint(principal: Principal, { tag, value: given, expiresAt }: MintRequest): Minted {
  const { traits, live, trouble } = principal;
  const value = given?.reveal() ?? `value-${randomUUID()}`;
  const there = given === undefined ? undefined : byValue(principal, value);
  if (there !== undefined) return { credentialId: there.credentialId };
  makeRoom(principal);
  const carried = traits.tag === 'place' ? tag : undefined;
  const credentialId = keep(principal, { value, tag: carried, expiresAt });
  if (trouble.answersWith !== undefined) live.delete(credentialId);
  return {
    credentialId: trouble.answersWith ?? credentialId,
    ...(given === undefined ? { value: new SecretValue(value) } : {}),
  };
}

function twin(principal: Principal, request: MintRequest): void {
  if (principal.trouble.twins === 0) return;
  principal.trouble.twins -= 1;
  mint(principal, request);
}

function rival(principal: Principal): void {
  if (principal.trouble.rivals === 0) return;
  principal.trouble.rivals -= 1;
  keep(principal, { value: `rival-${randomUUID()}`, tag: undefined, expiresAt: undefined });
}

function makeRoom(principal: Principal): void {
  const { live } = principal;
  const { overlap } = principal.traits;
  if (overlap.kind === 'many') return;
  const room = overlap.kind === 'none' ? 1 : overlap.slots;
  if (live.size < room) return;
  if (overlap.kind === 'slots') throw new AdapterError('refused', 'there is no free slot');
  const [oldest] = live.keys();
  if (oldest !== undefined) end(principal, oldest);
}

function keep(
  principal: Principal,
  { value, tag, expiresAt }: Pick<Made, 'value' | 'tag' | 'expiresAt'>,
): string {
  const { live, rights } = principal;
  const credentialId = randomUUID();
  const made = { credentialId, tag, value, expiresAt, rights, madeAt: Date.now() };
  live.set(credentialId, { ...made, disabledUntil: undefined });
  return credentialId;
}

function end({ live, dead }: Principal, credentialId: string): void {
  const made = live.get(credentialId);
  if (made !== undefined) dead.set(made.value, credentialId);
  live.delete(credentialId);
}

/** Undefined where it is gone already. */
function own({ live, traits }: Principal, ref: CredentialRef): Made | undefined {
  const made = live.get(ref.credentialId);
  const checked = traits.tag === 'place' && ref.tag !== undefined && made !== undefined;
  const another = checked && made.tag !== ref.tag;
  if (another) throw new AdapterError('not-ours', 'the credential carries another tag');
  return made;
}

function byValue({ live }: Principal, value: string): Made | undefined {
  return [...live.values()].find((made) => made.value === value);
}

function accepts(principal: Principal, made: Made | undefined): boolean {
  if (made === undefined) return false;
  if (made.expiresAt !== undefined && made.expiresAt <= new Date()) return false;
  return made.disabledUntil === undefined || made.disabledUntil <= principal.now();
}

function isTold({ listsAfterMs }: Principal, { madeAt, expiresAt }: Made): boolean {
  const expired = expiresAt !== undefined && expiresAt <= new Date();
  return !expired && Date.now() - madeAt >= listsAfterMs;
}

function listing({ installation, now }: Principal): (made: Made) => Credential {
  return ({ credentialId, tag, madeAt, expiresAt, disabledUntil, rights }) => ({
    credentialId,
    tag: readTag(tag, installation()),
    createdAt: new Date(madeAt),
    expiresAt,
    disabled: disabledUntil !== undefined && disabledUntil > now(),
    rights,
  });
}

function attempt(principal: Principal, value: string, source: UseSource): boolean {
  const made = byValue(principal, value);
  const accepted = accepts(principal, made);
  const credentialId = made?.credentialId ?? principal.dead.get(value);
  if (credentialId !== undefined) principal.log.note(credentialId, source, accepted);
  return accepted;
}
