/** The command that shows what a run would do: asked in the words of the command that would do it. */
import type { Command } from 'commander';
import type { RunKind } from '../../domain/run.js';
import { secretPath, type Act } from './context.js';
import { example } from './example.js';
import { bodyOf, withAcceptance, withLeak, type ScopeOptions } from './run-body.js';
import { planText, type PlanView } from './views.js';

interface PlanOptions extends ScopeOptions {
  readonly compromise?: boolean;
  readonly decommission?: boolean;
  readonly revoke?: string[];
}

export function addPlan(program: Command, act: Act): void {
  const plan = example(
    program.command('plan <secret>'),
    'rotor plan acme/billing-api',
    'rotor plan acme/billing-api --compromise --leaked-before 2026-01-31',
  )
    .description('what a rotation would do, who would break, what blocks')
    .option('--compromise', 'what containing a compromise would do')
    .option('--decommission', 'what ending the secret would do')
    .option('--revoke <version...>', 'what revoking these versions would do');
  withAcceptance(withLeak(plan)).action(
    act(async ({ api, output }, secret: string, options: PlanOptions) => {
      const { revoke, version = revoke, ...said } = options;
      const scope = version === undefined ? said : { ...said, version };
      const body = bodyOf({ kind: plannedKind(options), options: scope });
      output.show(await api.post<PlanView>(`${secretPath(secret)}/plan`, body), planText);
    }),
  );
}

function plannedKind({ compromise, decommission, revoke }: PlanOptions): RunKind {
  if (compromise === true) return 'compromise';
  if (decommission === true) return 'decommission';
  return revoke === undefined ? 'rotate' : 'revoke';
}
