/** Sources of use as people name them: the way rotor prints them, or a part of that. */
import { isIP } from 'node:net';

export interface NamedSource {
  readonly address?: string;
  readonly userAgent?: string;
  readonly name?: string;
}

/** `127.0.0.1 · curl/8`, `10.0.0.7`, `curl/8`, `as nightly`: what is not said is not looked at. */
export function parseSource(text: string): NamedSource {
  return Object.assign({}, ...text.split(' · ').map(partOf)) as NamedSource;
}

function partOf(part: string): NamedSource {
  const said = part.trim();
  if (isIP(said) !== 0) return { address: said };
  if (said.startsWith('as ')) return { name: said.slice('as '.length) };
  return said === '' || said === 'unknown address' ? {} : { userAgent: said };
}
