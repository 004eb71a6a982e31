/** What stands behind the question mark of routes that list and look back, and what is said of findings. */
import { z } from 'zod';
import { RotorError } from '../domain/errors.js';
import { findingCodes, severities } from '../domain/finding.js';
import { Labels, Name, Text } from './names.js';
import { check } from './problems.js';

const wanted = 'expected a day such as 2026-12-31, or a moment such as 2026-12-31T12:00:00Z';

/** A day is its beginning, in UTC. */
export const Moment = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], { error: wanted })
  .transform((text) => new Date(text));

export const MuteBody = z.strictObject({ until: Moment, reason: Text });
export type MuteBody = z.infer<typeof MuteBody>;

export const FindingsQuery = z.strictObject({
  organization: Name.optional(),
  severity: z.enum(severities).optional(),
  code: z.enum(findingCodes as readonly [string, ...string[]]).optional(),
  all: z.stringbool().optional(),
  after: z.uuid().optional(),
});

/** What stands behind the question mark of a route. */
export function checkQuery<S extends z.ZodType>(schema: S, query: unknown): z.output<S> {
  const checked = check(schema, query, 'query');
  if ('value' in checked) return checked.value;
  throw new RotorError('query-invalid', 'the question is not what was expected', {
    kind: 'invalid',
    problems: checked.problems,
  });
}

/** `organization/secret`, as people name a secret. */
const SecretPath = z
  .string()
  .regex(/^[a-z0-9-]{1,63}\/[a-z0-9-]{1,63}$/, 'expected organization/secret');

export const SecretsQuery = z.strictObject({
  organization: Name.optional(),
  after: SecretPath.optional(),
});

export const PeriodQuery = z.strictObject({
  from: Moment,
  to: Moment.optional(),
  organization: Name.optional(),
});

/** Of nothing there is no report, and no export that looks as if nothing had happened. */
export function refuseReversed({ from, to }: { readonly from?: Date; readonly to?: Date }): void {
  if (from === undefined || to === undefined || from < to) return;
  throw new RotorError('period-invalid', 'a period ends after it began', {
    kind: 'invalid',
    hint: '--from 2026-01-01 --to 2026-02-01: the last day is not included',
  });
}

export const TasksQuery = z.strictObject({ all: z.stringbool().optional() });

const SecretNamed = SecretPath.transform((path) => {
  const [organization = '', secret = ''] = path.split('/');
  return { organization, secret };
});

export const RunsQuery = z.strictObject({
  secret: SecretNamed.optional(),
  state: z.enum(['open', 'blocked', 'ended']).optional(),
});

export const ExportQuery = z.strictObject({
  secret: SecretNamed.optional(),
  from: Moment.optional(),
  to: Moment.optional(),
});

/** `name=value`, as often as somebody says it. */
const LabelsQuery = z
  .union([z.string(), z.array(z.string()).max(100)])
  .transform((said) => Object.fromEntries([said].flat().map((text) => halvesOf(text))))
  .pipe(Labels);

function halvesOf(text: string): [string, string] {
  const [name = '', ...value] = text.split('=');
  return [name, value.join('=')];
}

export const ListQuery = z.strictObject({
  retired: z.stringbool().optional(),
  label: LabelsQuery.optional(),
});
