/** What a finding can be about: how bad it is, and what a person should do. Each code is a heading of the runbook. */
import type { UseSource } from './issuer.js';

/** The graver, the later. */
export const severities = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof severities)[number];

export interface FindingKind {
  /** Usually; one of a kind may say more of itself. */
  readonly severity: Severity;
  /** What was found, in a few words. */
  readonly is: string;
  /** What to do about it, in one sentence. */
  readonly todo: string;
  /** Which facts close it. */
  readonly closes: string;
}

/** The words are stored, shown and never renamed. */
export const findingKinds = {
  'undeclared-use': {
    severity: 'warning',
    is: 'somebody uses a version, and no declaration says who that is',
    todo: 'find out who it is (rotor who-uses SECRET) and declare it (rotor apply)',
    closes: 'it is declared, the version is dead, or it was not seen for 90 days',
  },
  'undeclared-copy': {
    severity: 'warning',
    is: 'a value of a live version lies in a place that nobody declared',
    todo: 'find out whose it is (rotor discover SECRET) and declare it (rotor apply), or remove it',
    closes: 'it is declared, the version is dead, or a discovery that looked there found it gone',
  },
  'revoked-use': {
    severity: 'critical',
    is: 'somebody tried a revoked credential',
    todo: 'look who it is: a dependent that was forgotten, or somebody who found the old value',
    closes: 'nobody has tried for 31 days',
  },
  straggler: {
    severity: 'warning',
    is: 'a disabled version was still needed, and was enabled again',
    todo: 'declare or mend who needed it; the message names it',
    closes: 'the version is dead',
  },
  recovering: {
    severity: 'critical',
    is: 'the database was set back to a backup; nothing is revoked or swept',
    todo: 'rotor recover --dry-run, then rotor recover',
    closes: 'rotor recover has adopted what issuers hold',
  },
  'compromise-unfinished': {
    severity: 'critical',
    is: 'a compromise ended before it was done: the database was set back meanwhile',
    todo: 'look what lives (rotor show SECRET), and ask again where it is not contained: rotor compromise SECRET',
    closes: 'nothing lives that was there before',
  },
  'orphan-credential': {
    severity: 'warning',
    is: "a credential carries rotor's tag, and rotor did not know it",
    todo: 'nothing where the next rotation ends it; else look at the issuer',
    closes: 'its version is dead',
  },
  'unknown-value': {
    severity: 'warning',
    is: 'a write met a value that rotor does not know',
    todo: 'find out whose it was; where it was displaced, the message names what it is kept as: rotor adopt SECRET --kept ID',
    closes: '31 days have passed',
  },
  'ended-elsewhere': {
    severity: 'warning',
    is: 'a live credential is gone at the issuer, and not by a run',
    todo: 'find out who removed it; rotate where it was the current one',
    closes: 'another version is current, and 31 days have passed',
  },
  'clean-failed': {
    severity: 'warning',
    is: 'a dead value could not be removed from a destination',
    todo: 'mend the destination, or rotate where the message says so; rotor tries again by itself',
    closes: 'nothing dead is left there',
  },
  'dependent-withheld': {
    severity: 'warning',
    is: 'a dependent is given no new value',
    todo: 'once it is sound, or gone: rotor dependents release, and retire where it is gone',
    closes: 'it is released',
  },
  'unreviewed-break-glass': {
    severity: 'critical',
    is: 'a compromise was contained without the approval that its policy asks for',
    todo: 'somebody who did not ask for it looks at it: rotor review RUN --reason TEXT',
    closes: 'it is reviewed',
  },
  'task-overdue': {
    severity: 'warning',
    is: 'a person has not done in time what only they can do',
    todo: 'ask them, or their deputy: rotor tasks show TASK says what it is',
    closes: 'the task is confirmed, declined or needed no more',
  },
  'confirmed-but-old-value-used': {
    severity: 'warning',
    is: 'a dependent uses an old value, and somebody said that it has the new one',
    todo: 'ask who confirmed it to look again; rotor decide RUN retry --dependent NAME --reason TEXT asks them anew',
    closes: 'the old version is dead, or was rolled back to',
  },
  'contained-directly': {
    severity: 'critical',
    is: 'a secret was contained while rotor was down, and is being replaced',
    todo: 'look at the run that the message names: rotor watch RUN',
    closes: 'that run has ended',
  },
  'notification-failed': {
    severity: 'warning',
    is: 'people were not told what happened',
    todo: 'mend the route; rotor notify test ROUTE shows whether it works',
    closes: 'a later notification of that route was delivered, or rotor.yaml names it no more',
  },
  'rotation-overdue': {
    severity: 'warning',
    is: 'a scheduled rotation did not come about',
    todo: 'look at the run that has the secret, or rotate now',
    closes: 'a rotation succeeded since',
  },
  expiring: {
    severity: 'warning',
    is: 'a version in service expires soon',
    todo: 'rotate it: rotor rotate SECRET',
    closes: 'another version is in service, or it lives longer',
  },
  expired: {
    severity: 'info',
    is: 'a version has expired',
    todo: 'rotate where nothing took its place',
    closes: 'another version is in service, and 31 days have passed',
  },
  overdue: {
    severity: 'warning',
    is: 'a secret without a schedule is older than the validity it was declared with',
    todo: 'rotate it, or give it a schedule',
    closes: 'it was rotated, or has a schedule',
  },
  'never-rotated': {
    severity: 'info',
    is: 'a secret was never rotated, or has no version yet',
    todo: 'rotate it once, while there is time to learn who uses it',
    closes: 'it was rotated',
  },
  unused: {
    severity: 'warning',
    is: 'a complete record shows that nobody uses the secret',
    todo: 'remove it: rotor decommission SECRET; or say who uses it so rarely',
    closes: 'somebody uses it, or the record no longer proves it',
  },
  undocumented: {
    severity: 'info',
    is: 'a secret has no owner, no documentation or no dependents',
    todo: 'declare what is missing (rotor apply)',
    closes: 'it is declared',
  },
  'unknown-credential': {
    severity: 'warning',
    is: 'the issuer has a live credential that rotor does not know',
    todo: 'rotor adopt SECRET --credential ID, or remove it at the issuer',
    closes: 'it is adopted, or gone',
  },
  'lives-after-end': {
    severity: 'critical',
    is: 'a version that ended is still alive at the issuer',
    todo: 'remove it at the issuer now, and find out who made it live again',
    closes: 'it is gone at the issuer',
  },
  'old-value': {
    severity: 'warning',
    is: 'a destination holds a version that is no longer the current one',
    todo: 'rotor rotate SECRET moves it; or mend what keeps the old value there',
    closes: 'the destination holds the current version only',
  },
  'foreign-value': {
    severity: 'warning',
    is: 'a destination holds a value that is none of the versions',
    todo: 'find out who wrote it; rotor rotate SECRET writes the next value there',
    closes: 'the destination holds a known version',
  },
  'destination-empty': {
    severity: 'warning',
    is: 'a destination that was given the current version holds nothing',
    todo: 'find out who emptied it: the dependent fails when it starts again',
    closes: 'the destination holds a value',
  },
  'destination-unreadable': {
    severity: 'info',
    is: 'a destination could not be looked at',
    todo: 'mend it before the next rotation, which would be blocked there',
    closes: 'it can be read',
  },
  'retired-leftover': {
    severity: 'warning',
    is: 'the destination of a retired dependent holds a live version',
    todo: 'remove the value there, or rotate',
    closes: 'it holds nothing that lives',
  },
  'dependent-silent': {
    severity: 'warning',
    is: 'a dependent was not seen for longer than it said it would be',
    todo: 'is it broken or gone? Mend it, correct usesAtLeastEvery, or retire it',
    closes: 'it was seen again, or says otherwise',
  },
  'stale-version': {
    severity: 'warning',
    is: 'a version that is not the current one lives on, and no run looks after it',
    todo: 'rotor rotate SECRET ends it with the next rotation; or rotor revoke',
    closes: 'it is current or dead, or a run has it',
  },
  'stale-grant': {
    severity: 'critical',
    is: 'a revoke was called, and nobody knows whether it happened',
    todo: 'rotor revoke SECRET --version V asks the issuer, and ends it',
    closes: 'the version is dead, or a run has it',
  },
  'issuer-not-asked': {
    severity: 'warning',
    is: 'an issuer did not answer the sweep',
    todo: 'rotor doctor says what is wrong with it; then rotor sweep',
    closes: 'it answered a sweep',
  },
  'issuer-implausible': {
    severity: 'critical',
    is: 'an issuer no longer lists what most of its secrets have; nothing was ended',
    todo: 'is it the right issuer, tenant and account? What it really lost, a rotation replaces',
    closes: 'it lists them again, or runs have ended what is gone',
  },
  'sweep-overdue': {
    severity: 'warning',
    is: 'the last sweep failed, or is more than two days old: nothing new is found by it',
    todo: 'rotor sweep --watch says what is wrong; the schedule is in Temporal (sweep-daily)',
    closes: 'a sweep has ended as it should',
  },
} as const satisfies Readonly<Record<string, FindingKind>>;

export type FindingCode = keyof typeof findingKinds;
export const findingCodes = Object.keys(findingKinds) as readonly FindingCode[];

/** Something a person should look at. Seen again, it is the same finding: `about` says which. */
export interface Finding {
  readonly code: FindingCode;
  readonly about: string;
  readonly message: string;
  readonly versionId?: string;
  readonly source?: UseSource;
  /** Where it is worse or better than usual. */
  readonly severity?: Severity;
  /** What shows it. Never a value. */
  readonly evidence?: Readonly<Record<string, unknown>>;
}

export function severityOf({ code, severity }: Pick<Finding, 'code' | 'severity'>): Severity {
  return severity ?? findingKinds[code].severity;
}

const longestMuteMs = 366 * 86_400_000;

/** What is wrong with the end of a mute: it has one, it is to come, and within a year. */
export function muteProblem(until: Date, now: Date): string | undefined {
  if (until <= now) return 'the end of a mute lies in the future';
  if (until.getTime() - now.getTime() > longestMuteMs) return 'a mute lasts a year at most';
  return undefined;
}
