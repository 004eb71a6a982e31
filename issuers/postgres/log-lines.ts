/** What single lines of a PostgreSQL server's log say: logins, refusals, and changes of what is logged. */

export interface LoggedLogin {
  readonly role: string;
  readonly at: Date;
  readonly outcome: 'accepted' | 'refused';
  readonly address: string | undefined;
  readonly application: string | undefined;
}

export type LogLine =
  | { readonly kind: 'login'; readonly pid: number; readonly login: LoggedLogin }
  /** Not read, and it may have been a login. */
  | { readonly kind: 'unclear' }
  /** A setting changed that decides how logins are logged, or (`where`) in which file. */
  | { readonly kind: 'changed'; readonly what: 'how' | 'where' }
  | { readonly kind: 'other' };

/** The prefix that rotor reads: time, process, user, database, client, application. */
export const neededPrefix = '%m [%p] %u@%d %r %a ';

const stamp = String.raw`(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3}) (?:UTC|GMT) \[(\d+)\]`;
const begin = new RegExp(`^${stamp} `);
const client = String.raw`(\S+\(\d+\)|\[local\])`;
/** User and database stand there twice: that tells where a name with blanks ends. */
const authorized = new RegExp(
  String.raw`^${stamp} (.+)@(.*) ${client} .*LOG: {2}(?:connection authorized: user=\4 database=\5|replication connection authorized: user=\4)(?: application_name=(.*))?$`,
);
const refused = new RegExp(
  String.raw`^${stamp} .*? ${client} .*FATAL: {2}(?:.* authentication failed for user "(.+)"|role "(.+)" (?:is not permitted to log in|does not exist))$`,
);
/** What the server adds after the name where the connection is encrypted. */
const encryption = / (?:SSL enabled|GSS) \([^()]*\)$/;
const change =
  /LOG: {2}parameter "(?:(log_destination|log_directory|log_filename)|log_connections|log_line_prefix|log_min_messages|log_timezone|lc_messages)" (?:changed to|removed from configuration file)/;

const other: LogLine = { kind: 'other' };

export function parseLine(line: string): LogLine {
  if (/LOG: {2}(?:replication )?connection authorized: user=/.test(line))
    return acceptedLogin(line);
  const denied = line.includes('FATAL:  ') ? refused.exec(line) : null;
  if (denied !== null) {
    const [, date = '', time = '', pid, from, one, other] = denied;
    const login = loginOf({ at: dateOf(date, time), from, role: one ?? other ?? '' }, 'refused');
    return { kind: 'login', pid: Number(pid), login };
  }
  const changed = change.exec(line);
  if (changed === null) return other;
  return { kind: 'changed', what: changed[1] === undefined ? 'how' : 'where' };
}

/** Undefined where the line does not begin as rotor reads it. */
export function timeOfLine(line: string): Date | undefined {
  const [, date, time] = begin.exec(line) ?? [];
  return date === undefined || time === undefined ? undefined : dateOf(date, time);
}

function acceptedLogin(line: string): LogLine {
  const found = authorized.exec(withoutEncryption(line));
  if (found === null) return { kind: 'unclear' };
  const [, date = '', time = '', pid, role = '', , from, application] = found;
  // A name in another encoding than UTF-8 is nobody's that rotor knows, and may be one of ours.
  if (role.includes('\uFFFD')) return { kind: 'unclear' };
  const login = loginOf({ at: dateOf(date, time), from, role, application }, 'accepted');
  return { kind: 'login', pid: Number(pid), login };
}

/** Both may be there: first SSL, then GSS. */
function withoutEncryption(line: string): string {
  return line.replace(encryption, '').replace(encryption, '');
}

interface Parts {
  readonly at: Date;
  readonly from: string | undefined;
  readonly role: string;
  readonly application?: string | undefined;
}

function loginOf({ at, from, role, application }: Parts, outcome: LoggedLogin['outcome']) {
  const address = /^(.+)\(\d+\)$/.exec(from ?? '')?.[1];
  return { role, at, outcome, address, application: application === '' ? undefined : application };
}

function dateOf(date: string, time: string): Date {
  return new Date(`${date}T${time}Z`);
}
