/** The command that approves a run: it shows what it approves first. */
import type { Command } from 'commander';
import colors from 'picocolors';
import { RotorError } from '../../domain/errors.js';
import { shortId } from '../../domain/told-id.js';
import { typedAfter } from './confirm.js';
import { counted } from './counted.js';
import type { Act } from './context.js';
import type { Row } from './row.js';
import { example } from './example.js';

interface RunToApprove {
  readonly run: Row;
  readonly dependencies: readonly Row[];
  readonly versions: readonly Row[];
}

interface ApproveOptions {
  readonly plan?: string;
  readonly reason: string;
}

export function addApproval(program: Command, act: Act): void {
  example(
    program.command('approve <run>'),
    'rotor approve RUN --plan PLAN --reason "looked at it with ada"',
  )
    .description('shows the plan of a run that waits for approval, and approves it')
    .option('--plan <hash>', 'the plan that was looked at, for scripts; 8 characters are enough')
    .option('--reason <text>', 'why', 'looked at the plan')
    .action(
      act(async ({ api, output }, run: string, options: ApproveOptions) => {
        const path = `/v1/runs/${encodeURIComponent(run)}`;
        const shown = await api.get<RunToApprove>(path);
        const plan = options.plan ?? (await askedFor(shown));
        const body = { plan, reason: options.reason };
        output.show(await api.post<Counted>(`${path}/approvals`, body), countedText);
      }),
    );
}

interface Counted {
  readonly approved: string;
  readonly holding: number;
  readonly needed: number;
  readonly repeated: boolean;
}

/** The first of two is not yet what the run waits for. */
export function countedText({ approved, holding, needed, repeated }: Counted): string {
  const plan = `plan ${shortId(approved)}`;
  const own = repeated ? `you have approved ${plan} already` : `${plan} is approved by you`;
  const left = Math.max(0, needed - holding);
  const sum = `${holding} of ${counted(needed, 'approval')}`;
  return left === 0 ? `${own}: ${sum}, the run goes on` : `${own}: ${sum}, still needed: ${left}`;
}

export function addReview(program: Command, act: Act): void {
  example(
    program.command('review <run>'),
    'rotor review RUN --reason "the right versions, and nobody else broke"',
  )
    .description('signs off a compromise that was contained without the approval of others')
    .requiredOption('--reason <text>', 'what was looked at')
    .action(
      act(async ({ api, output }, run: string, { reason }: { reason: string }) => {
        const path = `/v1/runs/${encodeURIComponent(run)}/review`;
        output.show(await api.post<Row>(path, { reason }), () => `run ${run} is reviewed`);
      }),
    );
}

async function askedFor(shown: RunToApprove): Promise<string> {
  const hash = String(shown.run['hash'] ?? '');
  const text = `${planText(shown)}\n`;
  process.stderr.write(text);
  if (process.stdin.isTTY) {
    const typed = await typedAfter(`Type ${shortId(hash)} to approve it: `);
    if (typed === shortId(hash)) return hash;
  }
  throw new RotorError('confirmation-needed', 'not approved, nothing was done', {
    kind: 'invalid',
    hint: `type it when asked, or say --plan ${shortId(hash)}`,
  });
}

interface StoredPlan {
  readonly title: string;
  readonly steps: readonly string[];
  readonly ends: readonly string[];
  readonly waves: readonly { readonly name: string; readonly batches: readonly string[][] }[];
  readonly content?: {
    readonly mayBreak?: readonly string[];
    readonly waves: readonly {
      readonly dependencies: readonly {
        readonly dependencyId: string;
        readonly leastEvidence?: string;
      }[];
    }[];
  };
}

function planText({ run, dependencies, versions }: RunToApprove): string {
  const plan = run['plan'] as StoredPlan | null;
  if (plan === null) return 'there is no plan yet';
  const ordinals = new Map(versions.map((row) => [String(row['id']), String(row['version'])]));
  const mayBreak = plan.content?.mayBreak ?? [];
  return [
    `${plan.title} (asked for by ${String(run['requestedBy'])}: ${String(run['reason'])})`,
    `steps   ${plan.steps.join(' → ')}`,
    ...waveLines(plan, dependencies),
    `ends    ${plan.ends.map((id) => ordinals.get(id) ?? id).join(', ') || 'nothing'}`,
    ...(mayBreak.length === 0 ? [] : [colors.red(`breaks  ${mayBreak.join(', ')}: accepted`)]),
    `plan    ${String(run['hash'])}`,
  ].join('\n');
}

/** Each dependent with the least evidence that it moved. */
function waveLines({ waves, content }: StoredPlan, dependencies: readonly Row[]): string[] {
  const names = new Map(dependencies.map((row) => [String(row['id']), String(row['dependent'])]));
  const evidence = new Map(
    content?.waves.flatMap((wave) =>
      wave.dependencies.map((one) => [one.dependencyId, one.leastEvidence] as const),
    ),
  );
  const told = (id: string): string => {
    const least = evidence.get(id);
    return `${names.get(id) ?? id}${least === undefined ? '' : ` (${least})`}`;
  };
  return waves.map(
    ({ name, batches }, index) =>
      `wave ${index + 1}  ${name}: ${batches.flat().map(told).join(', ')}`,
  );
}
