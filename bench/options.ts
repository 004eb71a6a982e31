/** What `npm run bench` may be asked for, and what it says where it was asked for something else. */
import { parseArgs } from 'node:util';

export const usage = `npm run bench [-- OPTION]

  (none)       the table of docs/performance.md: rotations, compromises, sweeps, schedules
  --kills N    kills workers and API N times under live traffic, and counts what must never happen
  --openbao    OpenBao's database engine beside rotor, on the same two servers
  --help       this text

Example: npm run bench -- --kills 200
`;

export type Asked =
  | { readonly what: 'all' | 'openbao' | 'help' }
  | { readonly what: 'kills'; readonly times: number }
  | { readonly what: 'wrong'; readonly reason: string };

export function asked(args: readonly string[]): Asked {
  try {
    const { values } = parseArgs({ args: [...args], options });
    if (values.help === true) return { what: 'help' };
    if (values.kills !== undefined && values.openbao === true)
      return { what: 'wrong', reason: '--kills and --openbao are measured one at a time' };
    if (values.kills !== undefined) return kills(values.kills);
    return { what: values.openbao === true ? 'openbao' : 'all' };
  } catch (error) {
    return { what: 'wrong', reason: error instanceof Error ? error.message : String(error) };
  }
}

const options = {
  kills: { type: 'string' },
  openbao: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

function kills(text: string): Asked {
  if (/^[1-9]\d*$/.test(text)) return { what: 'kills', times: Number(text) };
  return { what: 'wrong', reason: `--kills is the number of kills, not "${text}"` };
}
