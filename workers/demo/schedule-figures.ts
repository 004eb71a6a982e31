/** What the demo of schedules measured, and whether it is what rotor promises. */
import type { Promised } from './figures.js';

export interface ScheduleFigures {
  /** Of the next month, as they are shown. */
  readonly slotsShown: number;
  readonly slotsShownOutsideOfWindows: number;
  readonly slotsShownInABlackout: number;
  readonly slotsMovedByTheBlackout: number;
  /** Slots on the day that leaves the local time out, and on the one that has it twice. */
  readonly shownOnTheDayThatLeavesItOut: number;
  readonly missingLocalTimeRunsAt: string;
  readonly shownOnTheDayThatHasItTwice: number;
  /** The month: a day is so many seconds. */
  readonly secondsPerDay: number;
  readonly slotsExpected: number;
  readonly slotsClaimed: number;
  readonly slotsMissed: number;
  readonly slotsTwice: number;
  readonly slotsJoined: number;
  readonly rotationsAsked: number;
  readonly rotationsSucceeded: number;
  readonly versionsRevoked: number;
  readonly requests: number;
  readonly refusedRequests: number;
  /** The year that nobody could start anything. */
  readonly slotsOfTheYear: number;
  readonly slotsOfTheYearTwice: number;
  readonly settledOnDaysOfClockChanges: readonly number[];
  readonly rotationsOfTheYear: number;
  readonly heldUpByNotWith: boolean;
  readonly waitedForApproval: boolean;
  readonly approvalRefusedToRequester: boolean;
  readonly approvalGivenByAnother: boolean;
  readonly waitedForWindow: boolean;
  readonly approvedRunSucceeded: boolean;
  readonly orphans: number;
  readonly auditVerified: boolean;
  readonly plaintextHits: number;
  readonly secondsToReady: number;
  readonly secondsTotal: number;
}

export function promisesOfSchedule(figures: ScheduleFigures): Promised[] {
  return [...promisesOfSlots(figures), ...promisesOfRuns(figures)];
}

function promisesOfSlots(figures: ScheduleFigures): Promised[] {
  return [
    ['slots that are shown keep to their windows', figures.slotsShownOutsideOfWindows === 0],
    [
      'a blackout moves slots, and none lies in it',
      figures.slotsShownInABlackout === 0 && figures.slotsMovedByTheBlackout > 0,
    ],
    [
      'a local time that does not exist runs at the first minute after it, once',
      figures.shownOnTheDayThatLeavesItOut === 1 && figures.missingLocalTimeRunsAt === '03:00',
    ],
    ['a local time that comes twice counts once', figures.shownOnTheDayThatHasItTwice === 1],
    [
      'every slot of the month is claimed, once',
      figures.slotsExpected > 0 &&
        figures.slotsClaimed === figures.slotsExpected &&
        figures.slotsMissed === 0 &&
        figures.slotsTwice === 0,
    ],
    [
      'of a year without slots one run comes, and each slot is settled once',
      figures.rotationsOfTheYear === 1 &&
        figures.slotsOfTheYear >= 365 &&
        figures.slotsOfTheYearTwice === 0 &&
        figures.settledOnDaysOfClockChanges.length === 2 &&
        figures.settledOnDaysOfClockChanges.every((count) => count === 1),
    ],
    ['two that must not rotate together do not', figures.heldUpByNotWith],
  ];
}

function promisesOfRuns(figures: ScheduleFigures): Promised[] {
  return [
    [
      'every slot is a rotation that succeeds',
      figures.rotationsAsked === figures.slotsClaimed - figures.slotsJoined &&
        figures.rotationsSucceeded === figures.rotationsAsked &&
        figures.versionsRevoked === figures.rotationsAsked,
    ],
    ['nobody is refused', figures.requests > 0 && figures.refusedRequests === 0],
    ['a run waits for approval', figures.waitedForApproval],
    ['nobody approves what they asked for', figures.approvalRefusedToRequester],
    ['another person approves it', figures.approvalGivenByAnother],
    [
      'it waits for its window, unless a person says otherwise',
      figures.waitedForWindow && figures.approvedRunSucceeded,
    ],
    ['no credential is lost or orphaned', figures.orphans === 0],
    ['the audit trail is complete', figures.auditVerified],
    ['no value stands in clear anywhere', figures.plaintextHits === 0],
  ];
}
