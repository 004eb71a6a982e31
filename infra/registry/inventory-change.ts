/** What applying declarations changes, in words that people are shown, and when two values are the same. */
import type pg from 'pg';
import type { DependencyDeclaration } from '../../domain/declarations.js';
import type { Problem } from '../../domain/errors.js';
import { canonicalText } from '../canonical.js';
import type { Queryable } from '../postgres.js';
import type { AuditTrail } from './audit.js';

export interface InventoryChange {
  readonly change: 'create' | 'change' | 'retire';
  readonly kind: 'organization' | 'policy' | 'dependent' | 'secret' | 'dependency';
  readonly name: string;
  /** Which fields differ, where something that exists is changed. */
  readonly fields: readonly string[];
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

/** What only the kinds of issuers and connectors know; each throws nothing and answers with problems. */
export interface DeclarationChecks {
  specification(issuer: string, specification: unknown): Checked<CheckedSpecification>;
  destination(connector: string, address: unknown): Checked<CheckedDestination>;
}

export type Checked<T> = { readonly value: T } | { readonly problems: readonly Problem[] };

export interface CheckedSpecification {
  readonly specification: Readonly<Record<string, unknown>>;
  /** Whose credentials they are, as the kind of issuer says it. */
  readonly principal: string;
}

export interface CheckedDestination {
  readonly identity: string;
  readonly address: Readonly<Record<string, unknown>>;
}

export interface InventoryParts {
  readonly pool: pg.Pool;
  readonly audit: AuditTrail;
  readonly checks: DeclarationChecks;
}

export interface Applying {
  readonly db: Queryable;
  readonly parts: InventoryParts;
  readonly by: string;
  readonly changes: InventoryChange[];
  readonly problems: Problem[];
  readonly touched: Set<string>;
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

export function within(path: string, problems: readonly Problem[]): Problem[] {
  return problems.map((problem) => ({ ...problem, path: `${path}.${problem.path}` }));
}
