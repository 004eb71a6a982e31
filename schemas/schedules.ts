/** What is wrong with schedules beyond their shape: times that never come, and pairs that name nobody. */
import type { KnownOrganization } from '../domain/declarations.js';
import { formatDuration } from '../domain/duration.js';
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
    ...secrets.flatMap((secret) => alwaysDue(secret, policies, known)),
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

/** Each version would be due when it is made. */
function alwaysDue(
  secret: RightSecret,
  policies: readonly RightPolicy[],
  known: KnownOrganization,
): Problem[] {
  const validity = secret.one.specification?.validity;
  if (validity === undefined) return [];
  const { at, lead } = leadOf(secret, policies, known);
  if (lead === undefined || lead < validity) return [];
  const message = `each version would be due when it is made: it lives for ${formatDuration(validity)}, and rotates ${formatDuration(lead)} before that is over`;
  return [{ path: `${secret.path}.${at}`, message, hint: 'say less, or a longer validity' }];
}

interface Lead {
  readonly at: string;
  readonly lead: number | undefined;
}

/** How long before the expiry of its versions it rotates, and where that is said. */
function leadOf(
  { one: secret }: RightSecret,
  policies: readonly RightPolicy[],
  known: KnownOrganization,
): Lead {
  const { schedule, policy = '' } = secret;
  if (schedule !== undefined) return { at: 'schedule.beforeExpiry', lead: schedule.beforeExpiry };
  // One that is wrong itself is none yet: the policy's does not stand in for it.
  const lead = 'schedule' in secret ? leadOfPolicy(policy, policies, known) : undefined;
  return { at: 'policy', lead };
}

function leadOfPolicy(
  name: string,
  policies: readonly RightPolicy[],
  known: KnownOrganization,
): number | undefined {
  const declared = policies.find(({ one }) => one.name === name)?.one;
  if (declared !== undefined) return declared.schedule?.beforeExpiry;
  const rule = known.policies.get(name)?.schedule?.rule;
  return rule?.kind === 'before-expiry' ? rule.beforeMs : undefined;
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
