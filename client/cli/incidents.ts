/** The commands about incidents: what a compromised system held, containing all of it, and how far that is. */
import type { Command } from 'commander';
import { refuseNothing } from '../../domain/campaign.js';
import { RotorError, type Problem } from '../../domain/errors.js';
import type { ApiClient } from '../http.js';
import {
  addLooking,
  campaignPath,
  exposuresText,
  begin,
  withBeginOptions,
  type BeginOptions,
  type CampaignWords,
  type Exposure,
} from './campaigns.js';
import { confirmRevoke } from './confirm.js';
import { namePair, type Act, type Context } from './context.js';
import { counted } from './counted.js';
import { afterReleaseLines } from './dependents.js';
import { asMoment } from './moment.js';
import { readNames, type NamesFile } from './names-file.js';
import type { Row } from './row.js';
import { example } from './example.js';

interface Subject {
  readonly dependent?: string;
  readonly organization?: string;
  readonly secrets?: string;
  readonly leakedBefore: string;
}

interface StartOptions extends Subject, BeginOptions {
  readonly quarantine?: boolean;
}

const containing: CampaignWords = {
  kind: 'incident',
  report: 'what was contained, and when, as Markdown (or --json)',
  versions: 'leaked',
  states: {
    waiting: 'waiting',
    living: 'containing',
    busy: 'replacing',
    kept: 'rolled back',
    over: 'done',
  },
};

const nothingLives = 'nothing that lives was minted before that moment';

export function addIncidents(program: Command, act: Act): void {
  const incident = program
    .command('incident')
    .description('a system was compromised: contain everything that it held');
  addPlan(incident, act);
  addStart(incident, act);
  addLooking(incident, act, containing);
  addRelease(incident, act);
}

function withSubject(command: Command): Command {
  return command
    .option('--dependent <dependent>', 'organization/name: all that it holds, or has held')
    .option('--organization <name>', 'all secrets of an organization')
    .option('--secrets <file>', 'these secrets: organization/name, one on a line')
    .requiredOption(
      '--leaked-before <moment>',
      'what was minted later is sound, such as 2026-01-31T12:00:00Z',
      asMoment,
    );
}

interface Planned {
  readonly subject: object;
  readonly plan: readonly Exposure[];
}

async function planned(api: ApiClient, options: Subject): Promise<Planned> {
  const { secrets, ...said } = options;
  if (said.dependent !== undefined) namePair(said.dependent, "a dependent's name");
  const { dependent, organization, leakedBefore } = said;
  const subject = { dependent, organization, leakedBefore };
  if (secrets === undefined) return { subject, plan: await planOf(api, subject) };
  const file = readNames(secrets);
  const named = { ...subject, secrets: file.names };
  return { subject: named, plan: await planOfFile(api, named, file) };
}

/** All that is wrong with it at once: lines that are no names, and names of nothing. */
async function planOfFile(api: ApiClient, subject: object, file: NamesFile): Promise<Exposure[]> {
  if (file.names.length === 0) throw fileInvalid(file.problems);
  try {
    const plan = await planOf(api, subject);
    if (file.problems.length === 0) return plan;
    throw fileInvalid([]);
  } catch (error) {
    if (!(error instanceof RotorError)) throw error;
    const { code, message } = error;
    const kind = file.problems.length > 0 ? 'invalid' : error.kind;
    throw new RotorError(code, message, { kind, problems: file.located(error.problems) });
  }
}

function fileInvalid(problems: readonly Problem[]): RotorError {
  return new RotorError('names-invalid', 'the file of names cannot be used', {
    kind: 'invalid',
    hint: 'organization/name on each line, one at least',
    problems,
  });
}

function planOf(api: ApiClient, subject: object): Promise<Exposure[]> {
  return api.post<Exposure[]>('/v1/incidents/plan', subject);
}

function addPlan(incident: Command, act: Act): void {
  example(
    withSubject(incident.command('plan')),
    'rotor incident plan --dependent acme/checkout --leaked-before 2026-01-31',
  )
    .description('what would be contained, the most dangerous first; nothing is done')
    .action(
      act(async ({ api, output }, options: Subject) => {
        const { plan } = await planned(api, options);
        output.show(plan, (all) => exposuresText(all, nothingLives));
      }),
    );
}

function addStart(incident: Command, act: Act): void {
  const start = example(
    withSubject(incident.command('start')),
    'rotor incident start --dependent acme/checkout --quarantine --confirm revoke \\',
    '  --leaked-before 2026-01-31T12:00:00Z --reason "ticket 4711" --watch',
  )
    .description('revoke all of it now, then replace it everywhere')
    .option(
      '--quarantine',
      'the dependent is given no new value of any secret until it is released',
    );
  withBeginOptions(start).action(act(startIncident));
}

async function startIncident(context: Context, options: StartOptions): Promise<number | undefined> {
  const { api } = context;
  const { subject, plan } = await planned(api, options);
  // Under a key it may be the same one again, and over by now: that is for the API to know.
  if (options.quarantine !== true && options.idempotencyKey === undefined)
    refuseNothing(options.leakedBefore, plan);
  const confirm = await confirmRevoke(context.output, {
    said: options.confirm,
    shown: exposuresText(plan, nothingLives),
    what: `The incident contains ${counted(plan.length, 'secret')}`,
    effect: 'All of these are revoked at once: this is immediate and permanent.',
  });
  const { reason, quarantine } = options;
  if (plan.length === 0 && quarantine === true)
    context.output.note(`${nothingLives}: nothing is revoked`);
  const body = { ...subject, reason, confirm, quarantine, atOnce: Number(options.atOnce) };
  return begin(context, containing, { body, options });
}

function addRelease(incident: Command, act: Act): void {
  example(
    incident.command('release <incident>'),
    'rotor incident release INCIDENT --reason "installed anew"',
  )
    .description('what was quarantined is given new values again, by open and later runs')
    .requiredOption('--reason <text>', 'why')
    .action(
      act(async ({ api, output }, id: string, { reason }: { reason: string }) => {
        const path = `${campaignPath('incident', id)}/release`;
        output.show(await api.post<Row>(path, { reason }), (row) => {
          const name = String(row['dependent']);
          return [`${name} is released`, ...afterReleaseLines(name, row)].join('\n');
        });
      }),
    );
}
