/** Rules about what is written down, and about what lives on without anybody looking after it. */
import { isLive } from '../version.js';
import { roughly, type SweptSecret } from './facts.js';
import type { Found, Rule } from './rule.js';

/** What people write where they have to write something. */
const nobody = new Set(['', '-', '?', 'n/a', 'none', 'nobody', 'tbd', 'todo', 'unknown']);

export const undocumented: Rule = {
  code: 'undocumented',
  find: ({ owner, documentation, dependencies }) => {
    const missing = [
      ...(nobody.has(owner.trim().toLowerCase()) ? ['owner'] : []),
      ...((documentation ?? '').trim() === '' ? ['documentation'] : []),
      ...(dependencies.length === 0 ? ['dependents'] : []),
    ];
    if (missing.length === 0) return [];
    const message = `it has no ${missing.join(', no ')}`;
    return [{ about: 'secret', message, evidence: { missing } }];
  },
};

/** A run that has just ended may still be answered for. */
const settlingMs = 3_600_000;

export const staleVersion: Rule = {
  code: 'stale-version',
  find: (secret) => {
    const { now, busy, versions, called } = secret;
    if (busy) return [];
    return versions
      .filter(({ state, current, origin }) => isLive(state) && !current && origin !== 'orphan')
      .filter(({ versionId }) => !called.includes(versionId))
      .flatMap(({ versionId, ordinal, state, activatedAt, createdAt }): Found[] => {
        const since = activatedAt ?? createdAt;
        const age = now.getTime() - since.getTime();
        if (age < settlingMs) return [];
        const message = `v${ordinal} is ${state} since ${roughly(age)}, is not the current version, and no run looks after it`;
        return [{ about: versionId, versionId, message, evidence: { state, since } }];
      });
  },
};

export const staleGrant: Rule = {
  code: 'stale-grant',
  find: ({ busy, versions, called }: SweptSecret) => {
    if (busy) return [];
    return versions
      .filter(({ state, versionId }) => isLive(state) && called.includes(versionId))
      .map(({ versionId, ordinal, state }) => {
        const message = `revoking v${ordinal} was called, its run is over, and rotor has it as ${state}`;
        return { about: versionId, versionId, message, evidence: { state } };
      });
  },
};
