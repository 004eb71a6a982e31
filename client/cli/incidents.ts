/** The commands about incidents: what a compromised system held, containing all of it, and how far that is. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { RotorError } from '../../domain/errors.js';
import { confirmRevoke, namePair, type Act, type Context } from './context.js';
import { asMoment } from './moment.js';
import { exitCodes, table } from './output.js';
import type { Row } from './views.js';

interface Subject {
  readonly dependent?: string;
  readonly organization?: string;
  readonly secrets?: string;
  readonly leakedBefore: string;
}

interface StartOptions extends Subject {
  readonly reason: string;
  readonly confirm?: string;
  readonly quarantine?: boolean;
  readonly atOnce?: string;
  readonly watch?: boolean;
}

interface Exposure {
  readonly name: string;
  readonly versions: readonly string[];
  readonly role?: string;
  readonly dependents: readonly string[];
  readonly usedLately: boolean;
}

interface IncidentView {
  readonly incident: Row;
  readonly secrets: readonly Row[];
}

const lookEveryMs = 500;

export function addIncidents(program: Command, act: Act): void {
  const incident = program
    .command('incident')
    .description('a system was compromised: contain everything that it held');
  addPlan(incident, act);
  addStart(incident, act);
  addLooking(incident, act);
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

function subjectOf({ dependent, organization, secrets, leakedBefore }: Subject): unknown {
  if (dependent !== undefined) namePair(dependent, "a dependent's name");
  return { dependent, organization, secrets: secrets && namesIn(secrets), leakedBefore };
}

function namesIn(file: string): string[] {
  try {
    const lines = readFileSync(file, 'utf8').split('\n');
    return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  } catch {
    throw new RotorError('file-unreadable', `${file} cannot be read`, {
      kind: 'invalid',
      hint: 'a text file with organization/name on each line',
    });
  }
}

function addPlan(incident: Command, act: Act): void {
  withSubject(incident.command('plan'))
    .description('what would be contained, the most dangerous first; nothing is done')
    .action(
      act(async ({ api, output }, options: Subject) => {
        const plan = await api.post<Exposure[]>('/v1/incidents/plan', subjectOf(options));
        output.show(plan, exposuresText);
      }),
    );
}

function exposuresText(exposures: readonly Exposure[]): string {
  if (exposures.length === 0) return 'nothing that lives was minted before that moment';
  return table(
    ['', 'secret', 'versions', 'role', 'used', 'breaks'],
    exposures.map(({ name, versions, role, usedLately, dependents }, index) => [
      String(index + 1),
      name,
      versions.join(', '),
      role ?? '',
      usedLately ? 'lately' : '',
      dependents.join(', '),
    ]),
  );
}

function addStart(incident: Command, act: Act): void {
  withSubject(incident.command('start'))
    .description('revoke all of it now, then replace it everywhere')
    .requiredOption('--reason <text>', 'why')
    .option(
      '--quarantine',
      'the dependent is given no new value of any secret until it is released',
    )
    .option('--at-once <number>', 'so many are contained at the same time', '8')
    .option('--confirm <word>', 'the word revoke, for scripts')
    .option('--watch', 'follow it until it ends')
    .action(act(start));
}

async function start(context: Context, options: StartOptions): Promise<number | undefined> {
  const { api, output } = context;
  const subject = subjectOf(options) as object;
  const plan = await api.post<Exposure[]>('/v1/incidents/plan', subject);
  const what = `${exposuresText(plan)}\nAll of these are revoked at once`;
  const confirm = await confirmRevoke(options.confirm, what);
  const { reason, quarantine } = options;
  const body = { ...subject, reason, confirm, quarantine, atOnce: Number(options.atOnce) };
  const { incident } = await api.post<{ incident: string }>('/v1/incidents', body);
  if (options.watch === true) return watch(context, incident);
  output.show(
    { incident },
    () => `incident ${incident}\nrotor incident watch ${incident.slice(0, 8)}`,
  );
  return undefined;
}

function addLooking(incident: Command, act: Act): void {
  incident
    .command('list')
    .description('all of them, the newest first')
    .action(
      act(async ({ api, output }) => {
        output.show(await api.get<Row[]>('/v1/incidents'), incidentsText);
      }),
    );
  incident
    .command('show <incident>')
    .description('how far each secret is')
    .action(
      act(async ({ api, output }, id: string) => {
        output.show(await api.get<IncidentView>(pathOf(id)), incidentText);
      }),
    );
  incident
    .command('watch <incident>')
    .description('follows it until it ends')
    .action(act((context, id: string) => watch(context, id)));
  incident
    .command('report <incident>')
    .description('what was contained, and when, as Markdown (or --json)')
    .action(
      act(async ({ api, output }, id: string) => {
        const report = await api.get<{ markdown: string }>(`${pathOf(id)}/report`);
        output.show(report, ({ markdown }) => markdown);
      }),
    );
}

function addRelease(incident: Command, act: Act): void {
  incident
    .command('release <incident>')
    .description('what was quarantined is given new values again, and what it missed')
    .requiredOption('--reason <text>', 'why')
    .action(
      act(async ({ api, output }, id: string, { reason }: { reason: string }) => {
        const { incident: row } = await api.get<IncidentView>(pathOf(id));
        const [organization, dependent] = namePair(String(row['about']), 'what was quarantined');
        const path = `/v1/dependents/${organization}/${dependent}/release`;
        const released = await api.post<Row>(path, { reason });
        output.show(released, () => `${String(row['about'])} is released`);
      }),
    );
}

function pathOf(id: string): string {
  return `/v1/incidents/${encodeURIComponent(id)}`;
}

function incidentsText(rows: readonly Row[]): string {
  return table(
    ['incident', 'about', 'started', 'by', 'ended'],
    rows.map((row) => [
      String(row['id']).slice(0, 8),
      String(row['about']),
      String(row['started']),
      String(row['by']),
      String(row['ended'] ?? 'not yet'),
    ]),
  );
}

/** One screen: how far each secret is, and what keeps those that wait. */
function incidentText({ incident, secrets }: IncidentView): string {
  const states = secrets.map(stateOf);
  const count = (state: string): number => states.filter((one) => one === state).length;
  const head = `incident ${String(incident['id']).slice(0, 8)}: ${String(incident['about'])}`;
  const sums = ['done', 'replacing', 'containing', 'waiting'].map(
    (state) => `${count(state)} ${state}`,
  );
  const rows = secrets.map((row, index) => [
    String(row['secret']),
    (row['versions'] as string[]).join(', '),
    states[index] ?? '',
    row['run'] === null ? '' : String(row['run']).slice(0, 8),
    String(row['failure'] ?? row['waitsCode'] ?? ''),
  ]);
  return [head, sums.join(' · '), table(['secret', 'leaked', 'is', 'run', 'waits for'], rows)].join(
    '\n',
  );
}

function stateOf({ lives, busy, run }: Row): string {
  if (lives === true) return run === null ? 'waiting' : 'containing';
  return busy === true ? 'replacing' : 'done';
}

/** Each change once. The exit code: 0 once everything is contained and its runs have ended. */
async function watch({ api, output }: Context, id: string): Promise<number> {
  let last = '';
  for (;;) {
    const view = await api.get<IncidentView>(pathOf(id));
    const text = incidentText(view);
    const begun = view.secrets.length > 0 || view.incident['ended'] !== null;
    if (begun && text !== last) output.show(view, () => text);
    last = text;
    if (view.incident['ended'] !== null) return exitCodes.fine;
    await pause(lookEveryMs);
  }
}
