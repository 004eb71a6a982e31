/** What a declaration says: a place in a file, as the kind for that file has it, and the processes that read it. */
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { FileOptions, FilePath } from '../files.js';
import type { ConnectorKind } from '../kind.js';
import { Executable } from '../../reach/program.js';
import { Unit } from '../../reach/systemctl.js';

/** A kind that writes one file, below roots. */
export type FileKind = ConnectorKind<typeof FileOptions, z.ZodType<{ readonly file: string }>>;

export const Options = FileOptions.extend({
  pidRoots: z
    .array(z.string().refine(isAbsolute, 'expected an absolute folder'))
    .default([])
    .describe('folders whose pid files are believed'),
  units: z.array(Unit).default([]).describe('the only units that are reloaded or restarted'),
  systemctl: Executable.default('/usr/bin/systemctl'),
  timeoutMs: z.number().int().positive().max(600_000).default(30_000),
});
export type Options = z.output<typeof Options>;

const Signalled = z.strictObject({
  pidFile: FilePath,
  signal: z.enum(['SIGHUP', 'SIGUSR1', 'SIGUSR2']).default('SIGHUP'),
  user: z.union([z.number().int().min(0), z.string().regex(/^[a-z_][\w.-]*\$?$/)]).optional(),
  command: z.string().min(1).max(255).optional(),
});
export type Signalled = z.output<typeof Signalled>;

const UnitToTell = z.strictObject({
  unit: Unit,
  action: z.enum(['reload', 'restart']).default('reload'),
});

const Process = z.union([Signalled, UnitToTell], {
  error: 'expected pidFile (with signal, user, command) or unit (with action: reload or restart)',
});
export type Process = z.output<typeof Process>;

/** Checked as the kind for the file checks it. */
export function addressFor(kinds: readonly [FileKind, ...FileKind[]]) {
  const names = kinds.map(({ kind }) => kind).join(', ');
  const [first, ...others] = kinds;
  const wrap = ({ kind, address }: FileKind) =>
    z.strictObject({ connector: z.literal(kind), address });
  return z.strictObject({
    file: z.discriminatedUnion('connector', [wrap(first), ...others.map(wrap)], {
      error: `expected a connector (${names}) and its address`,
    }),
    processes: z.array(Process).min(1).max(16),
  });
}
