/** What a rotation has to fit into, each with who says so: known before anything is touched. */
import type { Blocker } from './blocker.js';
import { formatDuration } from './duration.js';
import type { DependencyFacts, Facts } from './facts.js';
import type { Credential } from './issuer.js';
import { disables } from './issuer-ways.js';
import { neededQuietMs } from './quiet.js';
import { nameOfListed, roomFor } from './steps/room.js';

export interface Limit {
  readonly what:
    'room' | 'validity' | 'propagation' | 'outlives' | 'lockout' | 'pick-up' | 'use' | 'time';
  readonly told: string;
  /** Who says so: the issuer, the policy, or a declaration. */
  readonly source: string;
}

export interface Capacity {
  readonly limits: readonly Limit[];
  /** Why it cannot work. */
  readonly blockers: readonly Blocker[];
}

/** `listed`: what the issuer has now; undefined where it was not asked, or did not answer. */
export function capacityOf(facts: Facts, listed: readonly Credential[] | undefined): Capacity {
  const limits = [room(facts, listed), ...rules.map((rule) => rule(facts))];
  const full = listed === undefined ? undefined : roomFor(facts, listed);
  const reasons = [full?.kind === 'full' ? full.answer : undefined, tooShort(facts)];
  return {
    limits: limits.flatMap((limit) => limit ?? []),
    blockers: reasons.flatMap((reason) =>
      reason === undefined ? [] : [{ code: reason.code, message: reason.told }],
    ),
  };
}

interface Reason {
  readonly code: 'validity-too-short';
  readonly told: string;
}

/** Undefined where a new version lives long enough to be taken up, and to be moved away from. */
export function tooShort(facts: Facts): Reason | undefined {
  const validity = validityMs(facts);
  const { traits, policy, run } = facts;
  const pickUp = slowest(facts)?.picksUpWithinMs ?? 0;
  const needed = traits.propagationMs + pickUp + policy.overlapMs;
  // What leaked is ended whatever comes after it.
  if (validity === undefined || validity >= needed || run.kind === 'compromise') return undefined;
  const told = `a new version lives for ${formatDuration(validity)}, and to be picked up and to overlap it takes ${formatDuration(needed)}: declare a longer validity, or a shorter overlap`;
  return { code: 'validity-too-short', told };
}

/** How long a new version lives; undefined: until somebody ends it. */
export function validityMs({ secret, traits }: Facts): number | undefined {
  const asked = secret.specification['validityMs'];
  const longest = traits.longestValidityMs;
  if (typeof asked !== 'number') return longest;
  return Math.min(asked, longest ?? asked);
}

function slowest({ dependencies }: Facts): DependencyFacts | undefined {
  return dependencies.toSorted((a, b) => b.picksUpWithinMs - a.picksUpWithinMs)[0];
}

function room(facts: Facts, listed: readonly Credential[] | undefined): Limit {
  const source = `issuer ${facts.secret.issuer}`;
  const { overlap } = facts.traits;
  const told = (text: string): Limit => ({ what: 'room', told: text, source });
  if (overlap.kind === 'many') return told('as many credentials side by side as are needed');
  if (overlap.kind === 'none') return told('one credential at a time, replaced in place');
  const most = `${String(overlap.slots)} credentials at a time`;
  if (listed === undefined) return told(`${most}; how many there are was not told`);
  const names = listed.map((one) => nameOfListed(facts, one)).join(', ');
  const taken = listed.length === 0 ? 'none is there' : `there: ${names}`;
  return told(`${most}, ${taken}`);
}

type Rule = (facts: Facts) => Limit | undefined;

const validity: Rule = (facts) => {
  const ms = validityMs(facts);
  const { traits, secret } = facts;
  if (ms === undefined) return undefined;
  const isDeclared = typeof secret.specification['validityMs'] === 'number';
  const longest = traits.longestValidityMs;
  const atMost = isDeclared && longest !== undefined ? `, ${formatDuration(longest)} at most` : '';
  return {
    what: 'validity',
    told: `a new version lives for ${formatDuration(ms)}${atMost}`,
    source: isDeclared ? 'declared' : `issuer ${secret.issuer}`,
  };
};

const propagation: Rule = ({ traits: { propagationMs }, secret }) =>
  propagationMs === 0
    ? undefined
    : {
        what: 'propagation',
        told: `a change holds everywhere after ${formatDuration(propagationMs)}`,
        source: `issuer ${secret.issuer}`,
      };

const outlives: Rule = ({ traits: { outlives: what, outlivesMs }, secret }) => {
  if (what === 'nothing') return undefined;
  const long = outlivesMs > 0 ? `for ${formatDuration(outlivesMs)} at most` : 'until they end';
  return {
    what: 'outlives',
    told: `${what} go on ${long} after a revoke, or are ended`,
    source: `issuer ${secret.issuer}`,
  };
};

const lockout: Rule = ({ traits: { lockout: rule }, secret }) =>
  rule === undefined
    ? undefined
    : {
        what: 'lockout',
        told: `${String(rule.refusals)} refused logins lock everybody out for ${formatDuration(rule.forMs)}`,
        source: `issuer ${secret.issuer}`,
      };

const pickUp: Rule = (facts) => {
  const last = slowest(facts);
  if (last === undefined || last.picksUpWithinMs === 0) return undefined;
  const told = `slowest to pick it up: ${last.dependent}, within ${formatDuration(last.picksUpWithinMs)}`;
  return { what: 'pick-up', told, source: 'declared' };
};

/** Notes of a use that come late hold up every proof. */
const noted: Rule = (facts) => {
  const lateMs = notedLateMs(facts);
  if (lateMs === 0) return undefined;
  const told = `the record of use is up to ${formatDuration(lateMs)} late, which is waited for`;
  return { what: 'use', told, source: `issuer ${facts.secret.issuer}` };
};

/** What is less than a second is not worth telling. */
function notedLateMs({ record }: Facts): number {
  const lateMs = record?.resolutionMs ?? 0;
  return lateMs < 1_000 ? 0 : lateMs;
}

const time: Rule = (facts) => {
  const { policy, run } = facts;
  if (run.kind === 'compromise') return undefined;
  const quiet = Math.max(policy.overlapMs, neededQuietMs(facts));
  const disabled = disables(facts) ? policy.disablePeriodMs : 0;
  const told = `the old version lives on for ${formatDuration(quiet + notedLateMs(facts) + disabled)} at least`;
  return { what: 'time', told, source: `policy ${policy.name}` };
};

const rules: readonly Rule[] = [validity, propagation, outlives, lockout, pickUp, noted, time];
