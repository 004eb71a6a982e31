/** What was met, against what is declared: which copies nobody declared, how bad that is, and what to do. */
import { describeSource } from '../attribution.js';
import type { Finding, Severity } from '../finding.js';
import { roughly, type OpenFinding, type SweptSecret, type SweptVersion } from '../sweep/facts.js';
import { isDeadOrDeclared } from '../sweep/settled.js';
import type { FindingName } from '../sweep/judge.js';
import { undeclaredUse } from '../sweep/use.js';
import { isLive } from '../version.js';
import type { Declarable, KnownDestination, Spot } from './place.js';
import type { Copy, PassedOver, SeenUser } from './told.js';

const discoveredCode = 'undeclared-copy';

export interface Met {
  readonly spot: Spot;
  readonly versionId: string;
  /** The place holds this value, and nothing else. */
  readonly whole: boolean;
}

export interface Discovered {
  readonly secret: SweptSecret;
  readonly met: readonly Met[];
  readonly destinations: readonly KnownDestination[];
  /** Beginnings of the identities that were looked at. */
  readonly covered: readonly string[];
  /** Destinations that were read, by identity and by id: each is only itself. */
  readonly read: readonly string[];
  readonly passedOver: readonly PassedOver[];
}

/** Those that nobody declared first, and of these the worst. */
export function copiesOf(found: Discovered): Copy[] {
  const copies = distinct(found.met).flatMap((met) => copyOf(found, met) ?? []);
  const rank = ({ declared, severity }: Copy): number =>
    declared !== undefined ? 4 : ['critical', 'warning', 'info', undefined].indexOf(severity);
  return copies.sort((a, b) => rank(a) - rank(b) || (a.where < b.where ? -1 : 1));
}

/** The same value in the same file is told once, and as finely as a declaration could say it. */
function distinct(met: readonly Met[]): Met[] {
  const keyOf = ({ spot, versionId }: Met): string => `${versionId} ${spot.identity}`;
  const finer = new Set(
    met.filter(({ spot }) => spot.identity.includes('#')).map((one) => keyOf(one).split('#')[0]),
  );
  const isPrecise = ({ spot }: Met): boolean => spot.detail !== undefined;
  const exact = new Set(met.filter((one) => one.whole && !isPrecise(one)).map(keyOf));
  const lined = new Set(met.filter(isPrecise).map(keyOf));
  return met.filter((one) => {
    const key = keyOf(one);
    if (!one.spot.identity.includes('#') && finer.has(key)) return false;
    if (isPrecise(one)) return !exact.has(key);
    return one.whole || !lined.has(key);
  });
}

function copyOf(found: Discovered, { spot, versionId, whole }: Met): Copy | undefined {
  const version = found.secret.versions.find((one) => one.versionId === versionId);
  if (version === undefined) return undefined;
  const { ordinal, state, current, revokedAt } = version;
  const whose = whoseIs(found, spot);
  const isOwn = whose.declared !== undefined;
  const isOthers = whose.declaredFor.length > 0;
  return {
    ...whose,
    version: `v${ordinal}`,
    state,
    current,
    revokedAt,
    where: spot.identity,
    detail: spot.detail,
    // Of a retired one's place the sweep tells.
    severity: isOwn || isRetired(found, spot) ? undefined : severityOf(version, whose.likely),
    todo: todoOf({ version, isOwn, isOthers, whole, isProcess: isOfProcess(spot) }),
    declare: isOwn || isOthers || !isLive(state) ? undefined : declareOf(spot, whole),
  };
}

type Whose = Pick<Copy, 'declared' | 'declaredFor' | 'organizations' | 'likely'>;

function whoseIs({ secret, destinations }: Discovered, spot: Spot): Whose {
  const own = secret.dependencies.find(({ identity }) => identity === spot.identity);
  const known = destinations.find(({ identity }) => identity === spot.identity);
  const users = known?.users ?? [];
  return {
    declared: own?.dependent,
    declaredFor: users.filter((user) => !user.startsWith(`${secret.name} `)),
    organizations: known?.organizations,
    likely: own === undefined ? likelyOf(secret, spot) : undefined,
  };
}

function isRetired({ secret }: Discovered, spot: Spot): boolean {
  return secret.retired.some(({ identity }) => identity === spot.identity);
}

/** A process that a declared file is read by has the variable of that file: so may somebody else. */
function likelyOf({ dependencies }: SweptSecret, { variable, identity }: Spot): string | undefined {
  if (variable === undefined || !isOfProcess({ identity })) return undefined;
  return dependencies.find(({ address }) => address['variable'] === variable)?.dependent;
}

/** What a process began with, nobody can change there. */
function isOfProcess({ identity }: Spot): boolean {
  return identity.startsWith('process ');
}

/** What is about to end breaks whoever has it; a dead value breaks nobody any more. */
function severityOf({ state, current }: SweptVersion, likely: string | undefined) {
  if (!isLive(state)) return undefined;
  if (likely !== undefined) return 'info' satisfies Severity;
  return (current ? 'warning' : 'critical') satisfies Severity;
}

interface Case {
  readonly version: SweptVersion;
  readonly isOwn: boolean;
  readonly isOthers: boolean;
  readonly whole: boolean;
  readonly isProcess: boolean;
}

function todoOf({ version: { state, current }, isOwn, isOthers, ...spot }: Case): string {
  const { whole, isProcess } = spot;
  const lives = isLive(state);
  if (isOwn && lives) return current ? 'nothing' : 'the next rotation moves it';
  if (isOwn) return 'rotor sweep says what is wrong there';
  if (!lives) return 'remove it: it is dead, and whoever still uses it is refused';
  if (isOthers) return 'a place is for one secret: give its user a place of its own';
  if (isProcess) return 'find out what starts it, and declare the place where that reads it';
  if (whole) return 'say whose it is, and declare it; or remove it there';
  return 'rotor writes no part of a text: a person does, or its user gets a place of its own';
}

/** A person's place has a name of this many characters at most. */
const longestPlace = 200;

function declareOf({ declare, identity }: Spot, whole: boolean): Declarable | undefined {
  if (declare !== undefined && whole) return declare;
  if (identity.length > longestPlace || isOfProcess({ identity })) return undefined;
  const instructions = 'replace the old value there by the new one';
  const destination = { place: identity, assignee: 'todo', instructions, dueWithin: '2d' };
  return { connector: 'human-task', destination };
}

/** One for each version and place, however often it is there. */
export function findingsOf(found: Discovered): Finding[] {
  const findings = distinct(found.met).flatMap((met) => findingOf(found, met) ?? []);
  return [...new Map(findings.map((one) => [one.about, one])).values()];
}

function findingOf(found: Discovered, met: Met): Finding | undefined {
  const copy = copyOf(found, met);
  if (copy?.severity === undefined) return undefined;
  const { version, current, state, likely, severity } = copy;
  const { named, ...evidence } = shownPlace(found, copy);
  const whose = likely === undefined ? '' : `, as ${likely} has it`;
  const ending = current ? '' : ` (${state}, and not the current one)`;
  return {
    code: discoveredCode,
    about: `${met.versionId} ${named}`,
    versionId: met.versionId,
    message: `${version}${ending} lies in a place that nobody declared: ${evidence.where}${whose}`,
    severity,
    evidence,
  };
}

interface ShownPlace {
  /** What the finding is told apart by. */
  readonly named: string;
  readonly where: string;
  readonly detail?: string;
}

/** Whoever reads findings of one organization learns nothing of another's places. */
function shownPlace({ secret, destinations }: Discovered, copy: Copy): ShownPlace {
  const { where, detail, organizations } = copy;
  const [organization = ''] = secret.name.split('/');
  if (organizations?.includes(organization) === false) {
    const known = destinations.find(({ identity }) => identity === where);
    return { named: known?.destinationId ?? '', where: 'a place of another organization' };
  }
  return { named: where, where, ...(detail === undefined ? {} : { detail }) };
}

/** What was looked at, and is not there any more. Where nobody could look, nothing is over. */
export function isOver(found: Discovered, findings: readonly Finding[]): FindingName[] {
  const again = new Set(findings.map(({ about }) => about));
  return found.secret.open
    .filter(({ code, about }) => code === discoveredCode && !again.has(about))
    .filter((finding) => isDeadOrDeclared(finding, found.secret) || isGone(found, finding))
    .map(({ code, about }) => ({ code, about }));
}

function isGone(
  { covered, read, passedOver }: Discovered,
  { about, versionId }: OpenFinding,
): boolean {
  const where = about.slice((versionId ?? '').length + 1);
  const begins = (beginning: string): boolean => where.startsWith(beginning);
  const isLookedAt = read.includes(where) || covered.some(begins);
  return isLookedAt && !passedOver.some((one) => begins(one.where));
}

/** Whom the issuer saw, and nobody declared: as the sweep finds it. */
export function usersOf(secret: SweptSecret): {
  readonly findings: Finding[];
  readonly users: SeenUser[];
} {
  const found = undeclaredUse.find(secret);
  const users = found.map(({ source, message, evidence }) => ({
    source: describeSource(source ?? {}),
    told: message,
    lastAt: evidence?.['lastAt'] as Date,
    count: Number(evidence?.['count']),
  }));
  return { findings: found.map((one) => ({ code: undeclaredUse.code, ...one })), users };
}

/** What the silence of the record is worth. */
export function recordOf(secret: SweptSecret): string {
  const { record, now } = secret;
  if (record === undefined) return 'the issuer has told nothing of its use yet';
  if (record.kind === 'absent') return 'the issuer shows no use: who uses it is seen nowhere';
  const age = roughly(now.getTime() - record.completeThrough.getTime());
  const since = record.continuousSince.toISOString();
  return `${record.kind} record of use, complete up to ${age} ago, without a gap since ${since}`;
}
