/** Whose use it was, as far as the source tells. Attribution only names; it never excuses a use. */
import type { UseSource } from './issuer.js';

/** How a dependent is recognized; `*` in user agent and name stands for any text. */
export interface SeenAs {
  /** An address or a range: `10.1.2.3`, `10.0.0.0/8`, `2001:db8::/32`. */
  readonly address?: string;
  readonly userAgent?: string;
  readonly name?: string;
}

export interface Recognizable {
  readonly dependencyId: string;
  readonly seenAs: SeenAs | undefined;
}

/** The only dependency that matches. Undefined where none does, or several do: a guess is no evidence. */
export function attribute<T extends Recognizable>(
  source: UseSource,
  dependencies: readonly T[],
): T | undefined {
  const matching = dependencies.filter(
    ({ seenAs }) => seenAs !== undefined && isSeenAs(source, seenAs),
  );
  return matching.length === 1 ? matching[0] : undefined;
}

export function isSeenAs(source: UseSource, seenAs: SeenAs): boolean {
  const rules: [string | undefined, (rule: string) => boolean][] = [
    [seenAs.address, (rule) => source.address !== undefined && isInRange(source.address, rule)],
    [seenAs.userAgent, (rule) => matchesPattern(source.userAgent, rule)],
    [seenAs.name, (rule) => matchesPattern(source.name, rule)],
  ];
  const given = rules.filter(([rule]) => rule !== undefined);
  return given.length > 0 && given.every(([rule, holds]) => rule !== undefined && holds(rule));
}

/** Whether those who are declared explain it. Where the issuer does not tell whose use it was, it may be that of any of them. */
export function isExplained(source: UseSource, dependencies: readonly Recognizable[]): boolean {
  if (tellsNobody(source)) return dependencies.length > 0;
  return attribute(source, dependencies) !== undefined;
}

export function tellsNobody({ address, userAgent, name }: UseSource): boolean {
  return [address, userAgent, name].every((part) => part === undefined || part === '');
}

/** Whether a source is the one that was named: everything that was said of it fits, to the letter. */
export function isNamedSource(named: UseSource, source: UseSource): boolean {
  const said = [
    [named.address, source.address],
    [named.userAgent, source.userAgent],
    [named.name, source.name],
  ].filter(([wanted]) => wanted !== undefined);
  return said.length > 0 && said.every(([wanted, seen]) => wanted === seen);
}

export function describeSource({ address, userAgent, name }: UseSource): string {
  const parts = [address ?? 'unknown address', userAgent, name === undefined ? name : `as ${name}`];
  return parts.filter((part) => part !== undefined && part !== '').join(' · ');
}

function matchesPattern(text: string | undefined, pattern: string): boolean {
  if (text === undefined) return false;
  const escaped = pattern.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll('*', '.*');
  return new RegExp(`^${escaped}$`, 's').test(text);
}

function isInRange(address: string, range: string): boolean {
  const [base = '', bits] = range.split('/');
  const wanted = addressBits(base);
  const actual = addressBits(address);
  if (wanted === undefined || actual === undefined || wanted.length !== actual.length) return false;
  const length = bits === undefined ? wanted.length : Number(bits);
  return wanted.slice(0, length) === actual.slice(0, length);
}

/** True where the text is an address, or an address with a prefix length that fits it. */
export function isAddressRange(range: string): boolean {
  const [base = '', bits, ...more] = range.split('/');
  const size = addressBits(base)?.length;
  if (size === undefined || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= size);
}

function addressBits(text: string): string | undefined {
  const plain = text.startsWith('::ffff:') && text.includes('.') ? text.slice(7) : text;
  return plain.includes(':') ? ipv6Bits(plain) : ipv4Bits(plain);
}

function ipv4Bits(text: string): string | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || parts.some((part) => !/^\d{1,3}$/.test(part) || Number(part) > 255)) {
    return undefined;
  }
  return parts.map((part) => Number(part).toString(2).padStart(8, '0')).join('');
}

function ipv6Bits(text: string): string | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<string>(halves.length === 2 ? missing : 0).fill('0'), ...tail];
  if (groups.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return groups.map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0')).join('');
}
