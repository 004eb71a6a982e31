/** The commands about a project that is over: all of its secrets are decommissioned, each once nobody uses it. */
import type { Command } from 'commander';
import { RotorError } from '../../domain/errors.js';
import {
  addLooking,
  exposuresText,
  begin,
  withBeginOptions,
  type BeginOptions,
  type CampaignWords,
  type Exposure,
} from './campaigns.js';
import { confirmRevoke } from './confirm.js';
import type { Act, Context } from './context.js';
import { counted } from './counted.js';
import { example } from './example.js';

interface Scope {
  readonly organization: string;
  readonly label?: readonly string[];
}

type CompleteOptions = Scope & BeginOptions;

const completing: CampaignWords = {
  kind: 'project',
  report: 'what was revoked, and when, as Markdown (or --json)',
  versions: 'lived',
  states: {
    waiting: 'waiting',
    living: 'ending',
    busy: 'cleaning',
    kept: 'brought back',
    over: 'done',
  },
};

const nothingLeft = 'no secret is left of it';

export function addProjects(program: Command, act: Act): void {
  const project = program
    .command('project')
    .description('a project is over: decommission all of its secrets');
  example(
    withScope(project.command('plan')),
    'rotor project plan --organization acme --label project=trial',
  )
    .description('which secrets those are, and who still uses them; nothing is done')
    .action(
      act(async ({ api, output }, options: Scope) => {
        const plan = await api.post<Exposure[]>('/v1/projects/plan', scopeOf(options));
        output.show(plan, (all) => exposuresText(all, nothingLeft));
      }),
    );
  const complete = example(
    withScope(project.command('complete')),
    'rotor project complete --organization acme --label project=trial \\',
    '  --reason "the trial is over" --confirm revoke --watch',
  ).description('decommission each of them once nobody uses it');
  withBeginOptions(complete).action(act(completeProject));
  addLooking(project, act, completing);
}

function withScope(command: Command): Command {
  return command
    .requiredOption('--organization <name>', 'whose secrets')
    .option('--label <name=value...>', 'only those that carry it; several: all of them');
}

function scopeOf({ organization, label = [] }: Scope): object {
  return { organization, labels: Object.fromEntries(label.map(pairOf)) };
}

function pairOf(text: string): [string, string] {
  const [, name, value] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw new RotorError('label-unclear', `"${text}" is no label`, {
    kind: 'invalid',
    hint: 'name=value, such as project=checkout',
  });
}

async function completeProject(
  context: Context,
  options: CompleteOptions,
): Promise<number | undefined> {
  const { api } = context;
  const scope = scopeOf(options);
  const plan = await api.post<Exposure[]>('/v1/projects/plan', scope);
  const confirm = await confirmRevoke(context.output, {
    said: options.confirm,
    shown: exposuresText(plan, nothingLeft),
    what: `Completing the project decommissions ${counted(plan.length, 'secret')}`,
    effect: 'Each is revoked for good once nobody uses it, and not before.',
  });
  const body = { ...scope, reason: options.reason, confirm, atOnce: Number(options.atOnce) };
  return begin(context, completing, { body, options });
}
