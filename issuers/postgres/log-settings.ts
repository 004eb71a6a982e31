/** The server's settings without which its log does not tell every login, and what to do where one is unfit. */
import { AdapterError } from '../../domain/errors.js';
import type { Administration } from './administration.js';
import { neededPrefix } from './log-lines.js';

/** What one connection of rotor's saw. */
export interface Look {
  readonly now: Date;
  readonly startedAt: Date;
  readonly pid: number;
}

interface Setting {
  readonly name: string;
  readonly setting: string;
  readonly source: string;
}

interface Rule {
  readonly fits: (value: string) => boolean;
  readonly remedy: string;
}

const rules: Readonly<Record<string, Rule>> = {
  log_connections: {
    fits: logsAuthorization,
    remedy: "log_connections has to be on, or (from version 18) a list with 'authorization'",
  },
  log_line_prefix: {
    fits: (value) => value === neededPrefix,
    remedy: `log_line_prefix has to be '${neededPrefix}'`,
  },
  log_min_messages: {
    fits: (value) => !/fatal|panic/i.test(value),
    remedy: 'log_min_messages has to be log, or a lower level: fatal and panic hide logins',
  },
  log_timezone: {
    fits: (value) => /^(Etc\/)?(UTC|GMT|UCT|Zulu|Universal)$/i.test(value),
    remedy: "log_timezone has to be 'UTC'",
  },
  lc_messages: {
    fits: (value) => /^(C|POSIX|en|English)([._-].*)?$/i.test(value),
    remedy: "lc_messages has to be 'C': rotor reads English",
  },
  log_destination: {
    fits: (value) => /\bstderr\b/.test(value),
    remedy: "log_destination has to contain 'stderr'",
  },
};

/** Set for the administrator alone, a value says nothing about everybody's. */
const ownSources = new Set(['global', 'database', 'user', 'database user', 'client', 'session']);

/**
 * The clock is read by the statement that reads the settings: what was logged before it was logged under these, or a line
 * of the log tells of the change.
 */
export async function lookAtSettings(server: Administration): Promise<Look> {
  const [look] = await server.query<Look & { settings: Setting[] }>(
    `select clock_timestamp() as now, pg_postmaster_start_time() as "startedAt", pg_backend_pid() as pid,
       (select json_agg(json_build_object('name', name, 'setting', setting, 'source', source) order by name)
        from pg_settings where name = any($1)) as settings`,
    [Object.keys(rules)],
  );
  if (look === undefined) throw new AdapterError('bad-reply', 'the server told no settings');
  const remedies = look.settings.flatMap(remedyFor);
  if (remedies.length === 0) return look;
  throw new AdapterError(
    'refused',
    `the server's log does not tell every login: ${remedies.join('; ')}`,
  );
}

function remedyFor({ name, setting, source }: Setting): string[] {
  if (ownSources.has(source)) {
    return [
      `${name} is set for rotor's administrator or its database: reset it there, and set it for the whole server`,
    ];
  }
  const rule = rules[name];
  return rule === undefined || rule.fits(setting) ? [] : [rule.remedy];
}

/** PostgreSQL takes any beginning of true and yes; lists of aspects came with version 18. */
export function logsAuthorization(value: string): boolean {
  const aspects = value.toLowerCase().split(',');
  return aspects.some((aspect) =>
    /^(on|1|t(r(ue?)?)?|y(es?)?|all|authorization)$/.test(aspect.trim()),
  );
}
