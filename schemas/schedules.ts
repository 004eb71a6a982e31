/** What is wrong with schedules beyond their shape: times that never come, and pairs that name nobody. */
import type { KnownOrganization } from '../domain/declarations.js';
import type { Problem } from '../domain/errors.js';
import type { Placed, RightPolicy, RightSecret } from './placed.js';
import type { ScheduleDocument } from './schedule-document.js';
import { nearest } from './problems.js';

/** Why no local time is named by the cron expression; undefined where one is. */
export type WhyNever = (cron: string) => string | undefined;

export interface DeclaredHere {
  readonly policies: readonly RightPolicy[];
  readonly secrets: readonly RightSecret[];
  readonly known: KnownOrganization;
}

export function scheduleProblems(
  { policies, secrets, known }: DeclaredHere,
  whyNever: WhyNever,
): Problem[] {
  const names = [...secrets.flatMap(({ one }) => one.name ?? []), ...known.secrets];
  return [
    ...[...policies, ...secrets].flatMap((one) => neverComes(one, whyNever)),
    ...secrets.flatMap((secret) => pairProblems(secret, names)),
  ];
}

function neverComes(
  { path, one: { schedule } }: Placed<{ readonly schedule?: ScheduleDocument | undefined }>,
  whyNever: WhyNever,
): Problem[] {
  if (schedule?.cron === undefined) return [];
  const why = whyNever(schedule.cron);
  return why === undefined ? [] : [{ path: `${path}.schedule.cron`, message: why }];
}

function pairProblems(
  { path, one: { name, notWith } }: RightSecret,
  names: readonly string[],
): Problem[] {
  return (notWith ?? []).flatMap((other, index) => {
    const at = `${path}.notWith.${index}`;
    if (other === name) return [{ path: at, message: 'a secret always rotates with itself' }];
    if (names.includes(other)) return [];
    const meant = nearest(other, names);
    const hint = meant === undefined ? 'declare it under secrets' : `did you mean ${meant}?`;
    return [{ path: at, message: `there is no secret ${other}`, hint }];
  });
}
