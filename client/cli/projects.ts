/** The commands about a project that is over: all of its secrets are decommissioned, each once nobody uses it. */
import type { Command } from 'commander';
import { nothingLeft } from '../../domain/campaign.js';
import type { Labels } from '../../domain/labels.js';
import { shortId } from '../../domain/told-id.js';
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
import { labelsOf } from './labels.js';

interface Scope {
  readonly organization: string;
  readonly label?: readonly string[];
}

type CompleteOptions = Scope & BeginOptions;

interface ProjectScope {
  readonly organization: string;
  readonly labels: Labels;
}

interface Begun {
  readonly campaign: string;
  readonly alsoIn: readonly {
    readonly project: string;
    readonly by: string;
    readonly secrets: number;
  }[];
}

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

const comesBack =
  'Remove these secrets from your declarations: the next rotor apply of them declares them again.';

const noneLeft = 'no secret is left of it';

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
        output.show(plan, (all) => exposuresText(all, noneLeft));
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

function scopeOf({ organization, label }: Scope): ProjectScope {
  return { organization, labels: labelsOf(label) };
}

async function completeProject(
  context: Context,
  options: CompleteOptions,
): Promise<number | undefined> {
  const { api } = context;
  const scope = scopeOf(options);
  const plan = await api.post<Exposure[]>('/v1/projects/plan', scope);
  // Under a key it may be the same one again, and over by now: that is for the API to know.
  if (plan.length === 0 && options.idempotencyKey === undefined)
    throw nothingLeft(scope.organization, scope.labels);
  const confirm = await confirmRevoke(context.output, {
    said: options.confirm,
    shown: exposuresText(plan, noneLeft),
    what: `Completing the project decommissions ${counted(plan.length, 'secret')}`,
    effect: 'Each is revoked for good once nobody uses it, and not before.',
  });
  const body = { ...scope, reason: options.reason, confirm, atOnce: Number(options.atOnce) };
  const noteFirst = ({ alsoIn }: Begun): void => {
    for (const { project, by, secrets } of alsoIn)
      context.output.note(
        `project ${shortId(project)} of ${by} is open and has ${secrets} of these too`,
      );
    context.output.note(comesBack);
  };
  return begin(context, completing, { body, options, noted: noteFirst });
}
