/** What the commands say of themselves: the help of each, and those below it. */
import type { Said } from './rotor.js';

export interface Usage {
  /** Such as `tasks list`; of rotor itself, nothing. */
  readonly command: string;
  readonly text: string;
  readonly hasBelow: boolean;
}

type Ask = (args: readonly string[]) => Promise<Said>;

/** Of all commands, in the order of the help. */
export async function usages(rotor: Ask, path: readonly string[] = []): Promise<Usage[]> {
  const { out: text } = await rotor([...path, '--help']);
  const below = commandsOf(text);
  const found = [{ command: path.join(' '), text, hasBelow: below.length > 0 }];
  for (const name of below) found.push(...(await usages(rotor, [...path, name])));
  return found;
}

/** The names that a usage text lists. */
function commandsOf(text: string): string[] {
  const [, rest = ''] = text.split('Commands:\n');
  const [listed = ''] = rest.split('\n\n');
  const names = [...listed.matchAll(/^ {2}([a-z-]+) /gm)].map(([, name = '']) => name);
  return names.filter((name) => name !== 'help');
}
