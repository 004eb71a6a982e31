/** What AWS or its SDK failed of, in words of ours: their own quote what was sent. */
import { AdapterError, type AdapterErrorCode } from '../domain/errors.js';
import { networkFault } from './network-fault.js';

type Meaning = readonly [AdapterErrorCode, string];

export interface AskedOfAws {
  /** As a policy names it: `iam:CreateAccessKey`. */
  readonly action: string;
  /** Ends sentences: "user billing". */
  readonly on: string;
  /** By the name of the error without `Exception`, where it means something of its own here. */
  readonly meanings?: Readonly<Record<string, Meaning>>;
}

const ofBusy = [
  'Throttling',
  'Throttled',
  'RequestThrottled',
  'TooManyRequests',
  'RequestLimitExceeded',
  'SlowDown',
  'PriorRequestNotComplete',
  'ConcurrentModification',
  'EntityTemporarilyUnmodifiable',
];
const ofMissingRights = ['AccessDenied', 'UnauthorizedOperation'];
const ofRefusedKeys = [
  'InvalidClientTokenId',
  'UnrecognizedClient',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'InvalidSignature',
  'AuthFailure',
  'ExpiredToken',
];
const ofClocks = ['RequestExpired', 'RequestTimeTooSkewed', 'RequestInTheFuture'];
const ofNoLogin = ['CredentialsProviderError', 'TokenProviderError'];

/** AWS takes a signature for five minutes; it calls one that is too old a wrong one. */
const mostSkewMs = 4 * 60_000;

export function awsFault(error: unknown, asked: AskedOfAws): Error {
  if (error instanceof AdapterError) return error;
  const meaning = meaningOf(error, asked);
  if (nameOf(error) === 'AbortError')
    return new AdapterError('timed-out', 'the time for AWS was over');
  if (meaning === undefined) return networkFault(error, 'AWS');
  return new AdapterError(...meaning, retryAfterMs(error));
}

/** AWS does not know the key, or its secret is another: no doubt of clocks is left. */
export function isRefusedKey(error: unknown): boolean {
  return clocks(error) === undefined && ofRefusedKeys.includes(nameOf(error));
}

function meaningOf(error: unknown, { action, on, meanings }: AskedOfAws): Meaning | undefined {
  const name = nameOf(error);
  const special = clocks(error) ?? meanings?.[name];
  if (special !== undefined) return special;
  if (ofBusy.includes(name)) return ['busy', 'AWS asks to come back later'];
  if (ofMissingRights.includes(name))
    return ['not-permitted', `rotor may not do ${action} on ${on}: its policy has to allow it`];
  if (ofRefusedKeys.includes(name)) return ['not-permitted', "AWS refuses rotor's own credentials"];
  if (ofNoLogin.includes(name))
    return ['not-permitted', 'rotor has no credentials for AWS: see accessKeyIdFile'];
  return byStatus(statusOf(error), { action, on });
}

function byStatus(status: number | undefined, { action, on }: AskedOfAws): Meaning | undefined {
  if (status === undefined) return undefined;
  if (status === 429) return ['busy', 'AWS asks to come back later'];
  if (status >= 500) return ['unreachable', 'AWS fails'];
  if (status === 403)
    return ['not-permitted', `AWS refuses rotor's credentials, or its right to ${action} on ${on}`];
  if (status >= 400) return ['refused', `AWS refuses ${action} on ${on}`];
  return ['bad-reply', `AWS's answer to ${action} is none that rotor knows`];
}

function clocks(error: unknown): Meaning | undefined {
  const name = nameOf(error);
  const date = Date.parse(headerOf(error, 'date') ?? '');
  const skewMs = Number.isNaN(date) ? 0 : Math.abs(date - Date.now());
  const isSkewed = ofRefusedKeys.includes(name) && skewMs > mostSkewMs;
  if (!isSkewed && !ofClocks.includes(name)) return undefined;
  return ['refused', "this machine's clock is not AWS's: set it, signatures hold for five minutes"];
}

function retryAfterMs(error: unknown): number | undefined {
  const seconds = Number(headerOf(error, 'retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined;
}

/** One error has two names: on the wire, and as the SDK's class, which ends otherwise. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name.replace(/Exception$/, '') : '';
}

function statusOf(error: unknown): number | undefined {
  const status =
    at(at(error, '$metadata'), 'httpStatusCode') ?? at(responseOf(error), 'statusCode');
  return typeof status === 'number' ? status : undefined;
}

function headerOf(error: unknown, name: string): string | undefined {
  return headerIn(responseOf(error), name);
}

function responseOf(error: unknown): unknown {
  return at(error, '$response');
}

/** Of a response as the SDK's middleware sees it. */
export function headerIn(response: unknown, name: string): string | undefined {
  const value = at(at(response, 'headers'), name);
  return typeof value === 'string' ? value : undefined;
}

function at(thing: unknown, field: string): unknown {
  if (typeof thing !== 'object' || thing === null) return undefined;
  return (thing as Readonly<Record<string, unknown>>)[field];
}
