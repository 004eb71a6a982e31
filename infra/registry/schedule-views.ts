/** Schedules as people are shown them: the next slots in local time with why they were moved, and what became of the last. */
import type { Calendar } from '../../domain/calendar.js';
import { formatDuration } from '../../domain/duration.js';
import { noSuchSecret, type SecretName } from '../../domain/registry.js';
import type { ScheduleRule } from '../../domain/schedule.js';
import { nextSlot, slotsToCome, type Upcoming } from '../../domain/slots.js';
import type { Queryable } from '../postgres.js';
import { secretIdOf } from './named-secret.js';
import { demandSchedule } from './schedule-decisions.js';
import {
  hasSchedule,
  refreshSchedules,
  scheduledSecret,
  scheduledSecrets,
  settledSlots,
  type WithSchedule,
} from './schedules.js';

export async function listSchedules(
  db: Queryable,
  calendar: Calendar,
  organization: string | undefined,
): Promise<object[]> {
  await refreshSchedules(db);
  const secrets = (await scheduledSecrets(db, organization)).filter(hasSchedule);
  return secrets.map((secret) => {
    const next = nextSlot(secret, calendar);
    return {
      ...headOf(secret),
      next: next === undefined ? undefined : slotView(next, calendar),
    };
  });
}

export async function showSchedule(
  db: Queryable,
  calendar: Calendar,
  { count, ...name }: SecretName & { readonly count: number },
): Promise<object> {
  const secretId = await secretIdOf(db, name);
  if (secretId === undefined) throw noSuchSecret(name);
  await refreshSchedules(db, secretId);
  const secret = demandSchedule(await scheduledSecret(db, secretId), name);
  const slots: object[] = [];
  for (const slot of slotsToCome(secret, calendar)) {
    if (slots.length >= count) break;
    slots.push(slotView(slot, calendar));
  }
  return { ...headOf(secret), slots, past: await settledSlots(db, secret, count) };
}

function headOf(secret: WithSchedule) {
  const { schedule, paused, pausedInTemporal, rotatedAt } = secret;
  return {
    secret: `${secret.organization}/${secret.secret}`,
    rule: ruleText(schedule.rule),
    zone: schedule.zone,
    paused,
    pausedInTemporal,
    rotatedAt,
    overdue: secret.toldOverdue,
  };
}

function slotView(slot: Upcoming, calendar: Calendar) {
  const { known, zone, at } = slot;
  return {
    slot: slot.slot,
    zone,
    at,
    local: calendar.local(at, zone),
    moves: slot.moves,
    skipped: known?.state === 'skipped' ? { by: known.by, reason: known.reason } : undefined,
  };
}

function ruleText(rule: ScheduleRule): string {
  switch (rule.kind) {
    case 'every':
      return `every ${formatDuration(rule.everyMs)}`;
    case 'calendar':
      return rule.said;
    case 'before-expiry':
      return `${formatDuration(rule.beforeMs)} before expiry`;
  }
}
