/** What a program says it holds: values, as text or in base64, or the versions that it was given. */
import { z } from 'zod';

export interface Reply {
  readonly kind: 'values' | 'versions';
  /** The newest first. */
  readonly entries: readonly string[];
}

const Said = z.union([
  z.strictObject({ values: z.array(z.string()) }),
  z.strictObject({ base64: z.array(z.base64()) }),
  z.strictObject({ versions: z.array(z.string()) }),
]);

/** Undefined where it is none of these. */
export function parseReply(output: string): Reply | undefined {
  const parsed = Said.safeParse(jsonOf(output));
  if (!parsed.success) return undefined;
  const said = parsed.data;
  if ('versions' in said) return { kind: 'versions', entries: withoutEmpty(said.versions) };
  const values = 'values' in said ? said.values : said.base64.map(decode);
  if (values.includes(undefined)) return undefined;
  return { kind: 'values', entries: withoutEmpty(values) };
}

function withoutEmpty(entries: readonly (string | undefined)[]): string[] {
  return entries.filter((entry) => entry !== undefined && entry !== '') as string[];
}

/** Undefined where it is not UTF-8: rotor's values are text. */
function decode(base64: string): string | undefined {
  try {
    const bytes = Buffer.from(base64, 'base64');
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function jsonOf(output: string): unknown {
  try {
    return JSON.parse(output) as unknown;
  } catch {
    return undefined;
  }
}
