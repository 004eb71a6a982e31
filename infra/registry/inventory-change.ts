/** What applying declarations changes, in words that people are shown, and when two values are the same. */
import type pg from 'pg';
import type { DependencyDeclaration } from '../../domain/declarations.js';
import { RotorError } from '../../domain/errors.js';
import { canonicalText } from '../../trail/canonical.js';
import type { Queryable } from '../postgres.js';
import type { AuditTrail } from './audit.js';

export interface InventoryChange {
  readonly change: 'create' | 'change' | 'retire';
  readonly kind: 'organization' | 'policy' | 'dependent' | 'secret' | 'dependency';
  readonly name: string;
  /** Which fields differ, where something that exists is changed. */
  readonly fields: readonly string[];
  /** How many secrets go by the policy that was changed, whoever declared them. */
  readonly secrets?: number;
  /** Something of this name was retired then, and this declares it again. */
  readonly retiredAt?: Date;
}

/** The same in the database and in a declaration: `null` and absent are one, numbers may come as text. */
export function isSame(stored: unknown, wanted: unknown): boolean {
  return text(stored) === text(wanted);
}

function text(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'object') return String(value);
  return canonicalText(value);
}

/** Whose credentials a stored specification is about; undefined where no kind can say it. */
export type PrincipalOf = (issuer: string, specification: unknown) => string | undefined;

export interface InventoryParts {
  readonly pool: pg.Pool;
  readonly audit: AuditTrail;
  readonly principalOf: PrincipalOf;
}

export interface Applying {
  readonly db: Queryable;
  readonly parts: InventoryParts;
  readonly by: string;
  readonly changes: InventoryChange[];
  readonly touched: Set<string>;
  /** Only who has the right may change who has to approve what. */
  readonly mayLoosen: boolean;
  readonly destinations: Destinations;
}

/** Where a declared dependency is written: its destination's row, locked. */
export type Destinations = ReadonlyMap<DependencyDeclaration, string>;

export interface Place {
  readonly organizationId: string;
  readonly organization: string;
}

export function differing(
  before: Record<string, unknown>,
  wanted: Record<string, unknown>,
): string[] {
  return Object.keys(wanted).filter((field) => !isSame(before[field], wanted[field]));
}

/** Everything was checked before the locks were there. */
export function changedMeanwhile(what: string): RotorError {
  const message = `${what} while this was applied; nothing was changed`;
  return new RotorError('declarations-raced', message, { kind: 'conflict', hint: 'apply again' });
}
