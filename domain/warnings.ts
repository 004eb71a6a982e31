/** What a plan says beforehand about what cannot be seen, undone or expected. */
import { formatDuration } from './duration.js';
import type { Facts } from './facts.js';
import { disables, isReplacedInPlace } from './issuer-ways.js';
import { withheldDependencies } from './progress.js';
import { clockTold } from './quiet.js';
import { isUsable } from './version.js';

export interface PlanWarning {
  readonly code: string;
  readonly message: string;
}

interface Warning {
  readonly code: string;
  /** Undefined where there is nothing to say. */
  message(facts: Facts): string | undefined;
}

const warnings: readonly Warning[] = [
  {
    code: 'no-dependents-known',
    message: ({ dependencies }) =>
      dependencies.length === 0 ? 'nobody is declared to use this secret' : undefined,
  },
  {
    code: 'use-not-seen',
    message: ({ traits: { useRecord } }) =>
      useRecord === 'sampled' || useRecord === 'absent'
        ? `the issuer's record of use is ${useRecord}: unseen use may break`
        : undefined,
  },
  {
    code: 'clocks-differ',
    message: ({ record }) => {
      const told = record && clockTold(record.skewMs);
      return told === undefined ? undefined : `${told}: rotor reckons with that`;
    },
  },
  {
    code: 'dependents-withheld',
    message: (facts) => {
      const names = new Set(withheldDependencies(facts).map(({ dependent }) => dependent));
      if (names.size === 0) return undefined;
      return `given no new value until somebody releases them: ${[...names].join(', ')}`;
    },
  },
  {
    code: 'by-hand',
    message: ({ dependencies }) => {
      const people = dependencies.flatMap(({ dependent, assignment }) =>
        assignment === undefined
          ? []
          : [
              `${assignment.assignee} for ${dependent}, within ${formatDuration(assignment.dueWithinMs)}`,
            ],
      );
      return people.length === 0 ? undefined : `typed in by hand: ${people.join('; ')}`;
    },
  },
  {
    code: 'replaced-in-place',
    message: (facts) =>
      isReplacedInPlace(facts)
        ? 'the issuer holds one value: every dependent fails until it has the new one, and there is no way back'
        : undefined,
  },
  {
    code: 'replaced-first',
    message: (facts) => {
      const { replaceFirstMs } = facts.run.options;
      if (replaceFirstMs === undefined || isReplacedInPlace(facts)) return undefined;
      const within = formatDuration(replaceFirstMs);
      return `revoked once everybody has moved, or ${within} after it is asked for, whoever has not`;
    },
  },
  {
    code: 'value-unknown',
    message: ({ versions }) =>
      versions.some(({ state, value }) => isUsable(state) && value === 'unknown')
        ? 'a live version has no known value: no roll back to it, and no proof by login'
        : undefined,
  },
  {
    code: 'stays-disabled',
    message: (facts) =>
      disables(facts) && facts.traits.disable === 'manual'
        ? `the old version stays disabled if rotor stops${unseen(facts)}`
        : undefined,
  },
  {
    code: 'not-disabled-first',
    message: (facts) =>
      facts.policy.disablePeriodMs > 0 && !disables(facts)
        ? 'the old version cannot be disabled first'
        : undefined,
  },
];

function unseen({ traits }: Facts): string {
  if (traits.seesRefusals) return '';
  return ', and nobody sees who is refused: whoever fails has to say so, and rotor roll-back RUN brings it back';
}

export function warningsOf(facts: Facts): PlanWarning[] {
  return warnings.flatMap(({ code, message }) => {
    const said = message(facts);
    return said === undefined ? [] : [{ code, message: said }];
  });
}
