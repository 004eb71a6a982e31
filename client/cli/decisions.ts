/** The commands by which people decide about a run that is open. */
import type { Command } from 'commander';
import { RotorError } from '../../domain/errors.js';
import { decisionKinds, type DecisionKind } from '../../domain/run.js';
import { confirmRevoke } from './confirm.js';
import type { Act, Context } from './context.js';
import { parseSource, type NamedSource } from './source.js';
import type { Row } from './row.js';
import { example } from './example.js';

interface DecideOptions {
  readonly dependent?: readonly string[];
  readonly source?: readonly string[];
  readonly reason: string;
  readonly confirm?: string;
}

interface Decision {
  readonly kind: DecisionKind;
  readonly reason: string;
  readonly dependent?: string | undefined;
  readonly confirm?: 'revoke' | undefined;
  readonly acceptOutage?:
    | { readonly dependents: readonly string[]; readonly sources: readonly NamedSource[] }
    | undefined;
}

const accepted =
  'The run goes on to revoke without waiting for them; what is revoked stays revoked.';

const shortcuts = [
  ['pause', 'until the release is out'],
  ['resume', 'the release is out'],
  ['abort', 'the partner is not ready'],
] as const;

export function addDecisions(program: Command, act: Act): void {
  example(
    program.command('decide <run> <decision>'),
    'rotor decide RUN retry --dependent partner --reason "the page is back"',
    'rotor decide RUN skip --dependent reports --reason "it is switched off"',
    'rotor decide RUN accept-outage --dependent reports --confirm revoke \\',
    '  --reason "nobody reads them before Monday"',
  )
    .description(decisionKinds.join(' | '))
    .option('--dependent <name...>', 'whom it is about (skip, retry), or who may break')
    .option('--source <source...>', 'who else may break, as rotor watch prints it (accept-outage)')
    .requiredOption('--reason <text>', 'why')
    .option('--confirm <word>', 'the word revoke, for scripts (accept-...)')
    .action(
      act(async (context, ...[run, kind, options]: [string, string, DecideOptions]) =>
        decide(context, run, await decisionOf(context, run, { kind: kindOf(kind), options })),
      ),
    );
  for (const [kind, why] of shortcuts) {
    example(program.command(`${kind} <run>`), `rotor ${kind} RUN --reason "${why}"`)
      .description(`the same as decide RUN ${kind}`)
      .requiredOption('--reason <text>', 'why')
      .action(
        act((context, run: string, { reason }: { reason: string }) =>
          decide(context, run, { kind, reason }),
        ),
      );
  }
}

async function decide({ api, output }: Context, run: string, decision: Decision): Promise<void> {
  const decided = await api.post<Row>(`/v1/runs/${encodeURIComponent(run)}/decisions`, decision);
  output.show(decided, () => `${decision.kind}: told the run`);
}

function kindOf(said: string): DecisionKind {
  const kind = decisionKinds.find((known) => known === said);
  if (kind !== undefined) return kind;
  throw new RotorError('decision-unknown', `"${said}" is not a decision`, {
    kind: 'invalid',
    hint: `one of ${decisionKinds.join(', ')}`,
  });
}

async function decisionOf(
  { output }: Context,
  run: string,
  { kind, options }: { readonly kind: DecisionKind; readonly options: DecideOptions },
): Promise<Decision> {
  const { dependent: dependents = [], source: sources = [], reason } = options;
  if (kind === 'accept-outage') {
    const what = `Accepting an outage for run ${run}`;
    const confirm = await confirmRevoke(output, { said: options.confirm, what, effect: accepted });
    const acceptOutage = { dependents, sources: sources.map(parseSource) };
    return { kind, reason, confirm, acceptOutage };
  }
  if (dependents.length > 1 || sources.length > 0) throw severalNamed(kind);
  const [dependent] = dependents;
  if (kind !== 'accept-unseen-use') return { kind, reason, dependent };
  const what = `Accepting unseen use for run ${run}`;
  const confirm = await confirmRevoke(output, { said: options.confirm, what, effect: accepted });
  return { kind, reason, confirm };
}

function severalNamed(kind: DecisionKind): RotorError {
  return new RotorError('decision-unclear', `${kind} is about one dependent, or about the run`, {
    kind: 'invalid',
    hint: 'only accept-outage names several, and sources',
  });
}
