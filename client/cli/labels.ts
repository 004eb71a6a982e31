/** Labels as people type them: `name=value`. */
import { RotorError } from '../../domain/errors.js';
import type { Labels } from '../../domain/labels.js';

export function labelsOf(said: readonly string[] = []): Labels {
  return Object.fromEntries(said.map(pairOf));
}

function pairOf(text: string): [string, string] {
  const [, name, value] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw new RotorError('label-unclear', `"${text}" is no label`, {
    kind: 'invalid',
    hint: 'name=value, such as project=checkout',
  });
}

export function labelsText(labels: unknown): string {
  const pairs = Object.entries((labels ?? {}) as Labels);
  return pairs.map(([name, value]) => `${name}=${value}`).join(', ');
}
