import { describe, expect, test } from '@jest/globals';
import { dayLength, nextClockChange, secondsNamed } from '../../workers/demo/clocks.js';
import {
  promisesOfIncident,
  spread,
  type IncidentFigures,
} from '../../workers/demo/incident-figures.js';
import { orphansAmong, outageSince } from '../../workers/demo/observer.js';
import { asked, usage } from '../../workers/demo/scenarios.js';
import { castOf, daysFrom } from '../../workers/demo/schedule-cast.js';
import { twice } from '../../workers/demo/schedule-clock.js';
import { promisesOfSchedule, type ScheduleFigures } from '../../workers/demo/schedule-figures.js';
import { shownFigures } from '../../workers/demo/schedule-shown.js';
import { DeclarationDocument } from '../../schemas/declaration-document.js';

const incident: IncidentFigures = {
  secrets: 8,
  held: 6,
  planned: 6,
  contained: 6,
  refusedBeforeTheWorkerWasKilled: 2,
  watchExitCode: 0,
  commandToRefusedMilliseconds: spread([400, 900]),
  requestToRefusedMilliseconds: spread([100, 600]),
  neverHeld: 2,
  neverHeldStillAccepted: 2,
  refusedRequestsOfNeverHeld: 0,
  outageMillisecondsPerDependent: { 'checkout orders-api': 900 },
  othersWork: true,
  valuesThatReachedTheHost: 0,
  releaseAndRotationsToWorkingMilliseconds: 900,
  requests: 900,
  orphans: 0,
  auditVerified: true,
  plaintextHits: 0,
  secondsToReady: 3,
  secondsTotal: 30,
};

const schedule: ScheduleFigures = {
  slotsShown: 31,
  slotsShownOutsideOfWindows: 0,
  slotsShownInABlackout: 0,
  slotsMovedByTheBlackout: 7,
  shownOnTheDayThatLeavesItOut: 1,
  missingLocalTimeRunsAt: '03:00',
  shownOnTheDayThatHasItTwice: 1,
  secondsPerDay: 2,
  slotsExpected: 21,
  slotsClaimed: 21,
  slotsMissed: 0,
  slotsTwice: 0,
  slotsJoined: 0,
  rotationsAsked: 21,
  rotationsSucceeded: 21,
  versionsRevoked: 21,
  requests: 900,
  refusedRequests: 0,
  slotsOfTheYear: 370,
  slotsOfTheYearTwice: 0,
  settledOnDaysOfClockChanges: [1, 1],
  rotationsOfTheYear: 1,
  heldUpByNotWith: true,
  waitedForApproval: true,
  approvalRefusedToRequester: true,
  approvalGivenByAnother: true,
  waitedForWindow: true,
  approvedRunSucceeded: true,
  orphans: 0,
  auditVerified: true,
  plaintextHits: 0,
  secondsToReady: 3,
  secondsTotal: 55,
};

const broken = (promises: readonly (readonly [string, boolean])[]): number =>
  promises.filter(([, holds]) => !holds).length;

describe('a figure that is missed breaks one promise of the demo', () => {
  test('none is broken where all hold', () => {
    expect(broken(promisesOfIncident(incident))).toBe(0);
    expect(broken(promisesOfSchedule(schedule))).toBe(0);
  });

  test.each<Partial<IncidentFigures>>([
    { planned: 5 },
    { contained: 5 },
    { watchExitCode: 1 },
    { refusedBeforeTheWorkerWasKilled: 6 },
    { commandToRefusedMilliseconds: spread([60_000]) },
    { neverHeldStillAccepted: 1 },
    { refusedRequestsOfNeverHeld: 1 },
    { othersWork: false },
    { valuesThatReachedTheHost: 1 },
    { orphans: 1 },
    { auditVerified: false },
    { plaintextHits: 1 },
  ])('of an incident: %j', (missed) => {
    expect(broken(promisesOfIncident({ ...incident, ...missed }))).toBe(1);
  });

  test.each<Partial<ScheduleFigures>>([
    { slotsShownOutsideOfWindows: 1 },
    { slotsShownInABlackout: 1 },
    { slotsMovedByTheBlackout: 0 },
    { missingLocalTimeRunsAt: '02:30' },
    { shownOnTheDayThatHasItTwice: 2 },
    { slotsExpected: 22 },
    { slotsMissed: 1 },
    { slotsTwice: 1 },
    { rotationsSucceeded: 20 },
    { versionsRevoked: 20 },
    { refusedRequests: 1 },
    { settledOnDaysOfClockChanges: [0, 1] },
    { rotationsOfTheYear: 2 },
    { heldUpByNotWith: false },
    { waitedForApproval: false },
    { approvalRefusedToRequester: false },
    { approvalGivenByAnother: false },
    { waitedForWindow: false },
    { orphans: 1 },
    { auditVerified: false },
    { plaintextHits: 1 },
  ])('of schedules: %j', (missed) => {
    expect(broken(promisesOfSchedule({ ...schedule, ...missed }))).toBe(1);
  });
});

describe('the observer', () => {
  test('counts a credential that is known nowhere, and a version without a credential', () => {
    const versions = [
      { state: 'revoked', credential: 'a' },
      { state: 'active', credential: 'b' },
    ];
    expect(orphansAmong(['b'], versions)).toBe(0);
    expect(orphansAmong(['a', 'b'], versions)).toBe(1);
    expect(orphansAmong([], versions)).toBe(1);
  });

  test('measures an outage from the first refusal to the first acceptance after it', () => {
    const attempts = (['accepted', 'refused', 'lost', 'refused', 'accepted'] as const).map(
      (outcome, index) => ({ at: index * 100, outcome, about: 'api' }),
    );
    expect(outageSince(attempts, 0)).toBe(300);
    expect(outageSince(attempts, 400)).toBe(0);
  });

  test('finds a slot that two runs were asked for', () => {
    expect(twice([{ reason: 'slot 1' }, { reason: 'slot 2' }])).toBe(0);
    expect(twice([{ reason: 'slot 1' }, { reason: 'slot 1' }])).toBe(1);
  });

  test('knows when clocks change without asking rotor, also where they never do', () => {
    const now = new Date('2026-11-26T12:00:00Z');
    expect(nextClockChange('Europe/Berlin', 'forward', now)?.day).toBe('2027-03-28');
    expect(nextClockChange('America/New_York', 'back', now)?.day).toBe('2027-11-07');
    expect(nextClockChange('Australia/Sydney', 'forward', now)?.day).toBe('2027-10-03');
    expect(nextClockChange('Asia/Tokyo', 'back', now)).toBeUndefined();
  });

  test('counts the slots that seconds name, the first and the last included', () => {
    const at = (text: string): Date => new Date(`2026-11-26T00:00:${text}Z`);
    expect(secondsNamed(at('00.100'), at('06'), 2)).toBe(3);
    expect(secondsNamed(at('02'), at('02'), 2)).toBe(1);
    expect(secondsNamed(at('02.001'), at('02.500'), 2)).toBe(0);
    expect([500, 1_500, 3_000].map(dayLength)).toEqual([2, 3, 5]);
  });

  test('sees a slot in a blackout, and one outside of the windows', () => {
    const days = daysFrom(new Date('2026-11-26T12:00:00Z'));
    const slot = (local: string) => ({ slot: local.slice(0, 16), local, moves: [] });
    const invoices = ['2026-11-27T03:10:00', '2026-11-28T03:00:00', '2026-12-04T03:00:00'];
    const shown = { tariffs: [], quotes: [], invoices: invoices.map(slot) };
    expect(shownFigures(shown, days)).toMatchObject({
      slotsShownOutsideOfWindows: 1,
      slotsShownInABlackout: 1,
    });
  });
});

test('what the secrets of the demo declare is valid on every day of the year', () => {
  const begins = Date.UTC(2027, 0, 1);
  for (let day = 0; day < 366; day += 61) {
    const days = daysFrom(new Date(begins + day * 86_400_000));
    const secrets = castOf(days).map(({ name, more }) => ({
      ...{ name, issuer: 'main', owner: 'team' },
      ...more,
    }));
    expect(DeclarationDocument.safeParse({ organization: 'acme', secrets }).success).toBe(true);
  }
});

test('each scenario is in the usage text, and one is played at a time', () => {
  for (const name of ['break-glass', 'incident', 'schedule']) {
    expect(usage).toContain(`--${name} `);
    expect(asked([`--${name}`]).scenario).not.toBe(asked([]).scenario);
  }
  expect(asked(['--help']).help).toBe(true);
  expect(asked(['--json', 'figures.json']).json).toBe('figures.json');
  expect(() => asked(['--incident', '--schedule'])).toThrow('one scenario at a time');
});
