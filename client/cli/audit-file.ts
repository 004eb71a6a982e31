/** Verifies exports of the audit trail where only the files are, and says line by line what is wrong. */
import { createReadStream, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { RotorError } from '../../domain/errors.js';
import { keyIdOf } from '../../trail/signing.js';
import type { TrailVerdict } from '../../trail/verdict.js';
import { verifyTrail } from '../../trail/verify.js';
import { counted } from './counted.js';
import { exitCodes, type Output } from './output.js';

export interface Files {
  readonly file: string;
  readonly key: string | undefined;
  /** An earlier export. */
  readonly after: string | undefined;
}

export async function verifyFiles(output: Output, { file, key, after }: Files): Promise<number> {
  refuseMissing([after, file].filter((name) => name !== undefined));
  const earlier =
    after === undefined
      ? undefined
      : await verifyTrail({ lines: linesOf(after), key, earlier: undefined });
  // Two exports of one rotor have one key, whether somebody said which or not.
  const same = key ?? earlier?.opening?.key;
  const verdict = await verifyTrail({ lines: linesOf(file), key: same, earlier });
  output.show({ ...plain(verdict), ...(earlier !== undefined && { after: plain(earlier) }) }, () =>
    [
      ...faultLines(after ?? '', earlier),
      ...faultLines(file, verdict),
      summary(verdict, key, earlier !== undefined),
    ].join('\n'),
  );
  return isSound(verdict) && isSound(earlier) ? exitCodes.fine : exitCodes.faulty;
}

function refuseMissing(names: readonly string[]): void {
  const problems = names
    .filter((name) => name !== '-' && !isFile(name))
    .map((path) => ({ path, message: 'is no file that can be read' }));
  if (problems.length === 0) return;
  const about = { kind: 'invalid', problems } as const;
  throw new RotorError('file-unreadable', 'an export cannot be read', about);
}

function isFile(name: string): boolean {
  try {
    return !statSync(name).isDirectory();
  } catch {
    return false;
  }
}

function linesOf(name: string): AsyncIterable<string> {
  const input = name === '-' ? process.stdin : createReadStream(name);
  return createInterface({ input, crlfDelay: Infinity });
}

function isSound(verdict: TrailVerdict | undefined): boolean {
  return verdict === undefined || verdict.faults.length === 0;
}

function plain({ ends: _ends, ...verdict }: TrailVerdict): Omit<TrailVerdict, 'ends'> {
  return verdict;
}

function faultLines(name: string, verdict: TrailVerdict | undefined): string[] {
  if (verdict === undefined) return [];
  const lines = verdict.faults.map(({ line, fault, told }) => `${name}:${line} ${told} (${fault})`);
  return verdict.further === 0 ? lines : [...lines, `${name}: and ${verdict.further} more faults`];
}

function summary(verdict: TrailVerdict, key: string | undefined, isLater: boolean): string {
  const { events, chains, signedAt, opening, faults } = verdict;
  if (faults.length > 0) return 'not as rotor exported it';
  const named = opening === undefined ? '' : keyIdOf(opening.key);
  const by =
    key === undefined
      ? `signed with the key that it names itself, ${named}: compare it with rotor audit key, or say --key`
      : `signed with your key, ${named}`;
  const goesOn = isLater ? ', goes on from the earlier export' : '';
  return `${counted(events, 'event')} in ${counted(chains, 'chain')} until ${signedAt ?? ''}: complete and unchanged${goesOn}\n${by}`;
}
