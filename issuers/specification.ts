/** A secret's specification as its kind reads it, out of what the registry keeps. */
import type { z } from 'zod';
import { AdapterError } from '../domain/errors.js';
import type { IssuedSecret } from '../domain/issuer.js';

/** `lacking`: what it would have to name; ends the sentence that is told where it does not. */
export function readSpecification<S extends z.ZodType>(
  schema: S,
  { specification }: Pick<IssuedSecret, 'specification'>,
  lacking: string,
): z.output<S> {
  const parsed = schema.safeParse(specification);
  if (parsed.success) return parsed.data;
  throw new AdapterError('refused', `the specification names no ${lacking}`);
}
