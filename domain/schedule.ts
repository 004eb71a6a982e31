/** When a secret rotates, as people decide it, and what is known of its slots. All durations are milliseconds. */
import type { LocalDate, Weekday } from './calendar.js';

export type ScheduleRule =
  /** Since the last confirmed rotation. */
  | { readonly kind: 'every'; readonly everyMs: number }
  /** Local times; `said` is what was written, in words or as cron. */
  | { readonly kind: 'calendar'; readonly cron: string; readonly said: string }
  | { readonly kind: 'before-expiry'; readonly beforeMs: number };

/** Begins on these days, by the wall clock; one that ends before it begins goes over midnight. */
export interface MaintenanceWindow {
  readonly days: readonly Weekday[];
  /** `HH:mm`. */
  readonly from: string;
  /** `HH:mm`, up to `24:00`. */
  readonly to: string;
}

/** Whole days, the first and the last included. */
export interface Blackout {
  readonly from: LocalDate;
  readonly to: LocalDate;
  readonly reason: string;
}

export interface Schedule {
  readonly rule: ScheduleRule;
  /** IANA's name of it. */
  readonly zone: string;
  readonly jitterMs: number;
  /** None: always. */
  readonly windows: readonly MaintenanceWindow[];
  readonly blackouts: readonly Blackout[];
  /** What becomes of a slot that nobody could start in time. */
  readonly catchUp: 'run' | 'skip';
  /** From when on a slot was not started in time. */
  readonly lateAfterMs: number;
  /** A slot without a confirmed rotation is told after this. */
  readonly overdueAfterMs: number;
  /** How long a slot waits for others that rotate, before it asks again. */
  readonly postponeByMs: number;
  readonly atMostAtOnce: AtMostAtOnce;
}

export interface AtMostAtOnce {
  readonly organization?: number | undefined;
  readonly issuer?: number | undefined;
}

export const standardSchedule = {
  zone: 'UTC',
  jitterMs: 0,
  catchUp: 'run',
  lateAfterMs: 3_600_000,
  overdueAfterMs: 7 * 86_400_000,
  postponeByMs: 60_000,
} as const;

export interface Move {
  readonly why:
    | 'missing-local-time'
    | 'begins'
    | 'short-lived'
    | 'blackout'
    | 'window'
    | 'jitter'
    | 'postponed';
  readonly told: string;
}

/** One local time at which a secret rotates: once, whatever clocks do. */
export interface Slot {
  /** The nominal local time, `YYYY-MM-DDTHH:mm`; with its zone the key of the slot. */
  readonly slot: string;
  readonly zone: string;
  /** When it runs. */
  readonly at: Date;
  /** Why that is not the moment that its name says. */
  readonly moves: readonly Move[];
}

/** `requested` and `missed` are settled for ever, `skipped` is a person's word, `postponed` comes again. */
export const slotStates = ['requested', 'skipped', 'missed', 'postponed'] as const;
export type SlotState = (typeof slotStates)[number];

export interface KnownSlot {
  readonly slot: string;
  readonly zone: string;
  readonly state: SlotState;
  readonly at: Date;
  readonly reason: string;
  readonly by: string;
  readonly runId: string | undefined;
}

export interface Pause {
  readonly by: string;
  readonly reason: string;
}

export interface ScheduleFacts {
  readonly now: Date;
  readonly secretId: string;
  readonly schedule: Schedule;
  /** Slots before this moment are of an earlier schedule, or of the time that it was paused. */
  readonly since: Date;
  readonly paused: Pause | undefined;
  /** The note of a schedule that somebody paused in Temporal. */
  readonly pausedInTemporal: string | undefined;
  readonly rotatedAt: Date | undefined;
  readonly expiresAt: Date | undefined;
  /** When the issuer made the current version for rotor; undefined of one that was adopted: how old it is, nobody knows. */
  readonly mintedAt: Date | undefined;
  /** Of the zone of the schedule: the newest one that is settled, and those that come after it. */
  readonly known: readonly KnownSlot[];
  /**
   * When the newest slot was to run that is settled and longer ago than what makes a rotation overdue; undefined where
   * the run that it was the first of has confirmed a version, also before the slot came.
   */
  readonly settledLongAgo: Date | undefined;
}

/** One per secret: what Temporal holds of its schedule. */
export function scheduleId(secretId: string): string {
  return `schedule/${secretId}`;
}

export interface ScheduledRunInput {
  readonly secretId: string;
}
