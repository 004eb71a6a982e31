/** What of each document is right, and where it stands: one mistake does not hide the next. */
import type { z } from 'zod';
import {
  DeclarationDocument,
  DependencyDocument,
  DependentDocument,
  PolicyDocument,
  SecretDocument,
} from './declaration-document.js';

/** A field that is missing here was wrong; one that nobody wrote has what counts then. */
type Right<S extends z.ZodObject> = Partial<z.output<S>>;

export interface Placed<T> {
  /** Such as `documents.0.secrets.2`. */
  readonly path: string;
  readonly one: T;
}

export type RightPolicy = Placed<Right<typeof PolicyDocument>>;
export type RightDependent = Placed<Right<typeof DependentDocument>>;
export type RightDependency = Placed<Right<typeof DependencyDocument>>;
export interface RightSecret extends Placed<Omit<Right<typeof SecretDocument>, 'dependencies'>> {
  readonly dependencies: readonly RightDependency[];
}

export interface RightDocument {
  readonly organization: string | undefined;
  readonly policies: readonly RightPolicy[];
  readonly dependents: readonly RightDependent[];
  readonly secrets: readonly RightSecret[];
}

export function rightParts(document: unknown, path: string): RightDocument {
  return {
    organization: rightFields(DeclarationDocument.pick({ organization: true }), document)
      .organization,
    policies: items(document, 'policies', path).map((item) => placed(PolicyDocument, item)),
    dependents: items(document, 'dependents', path).map((item) => placed(DependentDocument, item)),
    secrets: items(document, 'secrets', path).map((item) => ({
      ...placed(SecretDocument.omit({ dependencies: true }), item),
      dependencies: items(item.one, 'dependencies', item.path).map((one) =>
        placed(DependencyDocument, one),
      ),
    })),
  };
}

function placed<S extends z.ZodObject>(
  schema: S,
  { path, one }: Placed<unknown>,
): Placed<Right<S>> {
  return { path, one: rightFields(schema, one) };
}

function items(document: unknown, field: string, path: string): Placed<unknown>[] {
  const found = isObject(document) ? document[field] : undefined;
  if (!Array.isArray(found)) return [];
  return found.map((one: unknown, index) => ({ path: `${path}.${field}.${index}`, one }));
}

function rightFields<S extends z.ZodObject>(schema: S, document: unknown): Right<S> {
  if (!isObject(document)) return {};
  const fields = Object.entries(schema.shape as Record<string, z.ZodType>).flatMap(
    ([field, expected]) => {
      const parsed = expected.safeParse(document[field]);
      return parsed.success ? [[field, parsed.data]] : [];
    },
  );
  return Object.fromEntries(fields) as Right<S>;
}

function isObject(document: unknown): document is Record<string, unknown> {
  return typeof document === 'object' && document !== null && !Array.isArray(document);
}
