/** What an import found: names, places and what is said of them. It holds no value. */
import type { Declarable } from '../discover/place.js';
import type { Guess } from './guess.js';

export interface FoundPlace extends Declarable {
  /** Who reads it there, where the place itself says so. */
  readonly dependent: string | undefined;
}

export interface FoundSecret {
  /** As it is called where it lies. */
  readonly title: string;
  readonly places: readonly FoundPlace[];
  readonly guess?: Guess | undefined;
  readonly owner?: string | undefined;
  /** Of one line each, for people. */
  readonly notes: readonly string[];
}

export interface Found {
  /** Such as `AWS Secrets Manager eu-central-1`. */
  readonly source: string;
  readonly secrets: readonly FoundSecret[];
  /** What was not taken, and why. */
  readonly leftOut: readonly string[];
}

/** What declarations allow of a name; `unnamed` where nothing of it is left. */
export function asName(title: string): string {
  const plain = title
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  const name = plain.length > 60 ? plain.slice(-60).replace(/^-+/, '') : plain;
  return name === '' ? 'unnamed' : name;
}

/** Names that differ, in the order in which they were asked for. */
export function namer(): (title: string) => string {
  const taken = new Map<string, number>();
  return (title) => {
    const name = asName(title);
    const before = taken.get(name) ?? 0;
    taken.set(name, before + 1);
    return before === 0 ? name : `${name}-${before + 1}`;
  };
}
