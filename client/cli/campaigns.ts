/** What the commands about incidents and projects share: a plan as a table, one screen of progress, the report. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import type { CampaignKind } from '../../domain/campaign.js';
import { shortId } from '../../domain/told-id.js';
import { asAsked, openBlocked, untilSomebodyHelps, type Following } from './blocked.js';
import type { Act, Context } from './context.js';
import { example } from './example.js';
import { exitCodes, inLines, table } from './output.js';
import { openPatience, patient } from './patience.js';
import type { Row } from './row.js';
import { afterRestarts, openWorkerWatch } from './until-ended.js';

export interface Exposure {
  readonly name: string;
  readonly versions: readonly string[];
  readonly role?: string;
  readonly dependents: readonly string[];
  readonly usedLately: boolean;
}

export interface CampaignView {
  readonly campaign: Row;
  readonly secrets: readonly Row[];
}

/** How people call what each kind does. */
export interface CampaignWords {
  readonly kind: CampaignKind;
  readonly report: string;
  /** Over the column of versions in scope. */
  readonly versions: string;
  readonly states: Readonly<Record<'over' | 'kept' | 'busy' | 'living' | 'waiting', string>>;
}

const lookEveryMs = 500;

export function campaignPath(kind: CampaignKind, id: string): string {
  return `/v1/${kind}s/${encodeURIComponent(id)}`;
}

export function exposuresText(exposures: readonly Exposure[], nothing: string): string {
  if (exposures.length === 0) return nothing;
  return table(
    ['', 'secret', 'versions', 'role', 'used', 'breaks'],
    exposures.map(({ name, versions, role, usedLately, dependents }, index) => [
      String(index + 1),
      name,
      versions.join(', '),
      role ?? '',
      usedLately ? 'lately' : '',
      inLines(dependents, 24),
    ]),
  );
}

export interface BeginOptions {
  readonly reason: string;
  readonly confirm?: string;
  readonly atOnce: string;
  readonly watch?: boolean;
  readonly idempotencyKey?: string;
}

export function withBeginOptions(command: Command): Command {
  return command
    .requiredOption('--reason <text>', 'why')
    .option('--at-once <number>', 'so many are at work at the same time', '8')
    .option('--confirm <word>', 'the word revoke, for scripts')
    .option('--watch', `follow it until it ends; ${untilSomebodyHelps}`)
    .option('--idempotency-key <key>', 'the same key again is the same one');
}

interface Begin<B> {
  readonly body: object;
  readonly options: BeginOptions;
  /** Told what was answered, before it is followed. */
  readonly noted?: (begun: B) => void;
}

/** Asked for, then followed; or how to follow it. */
export async function begin<B>(
  context: Context,
  words: CampaignWords,
  { body, options, noted }: Begin<B>,
): Promise<number | undefined> {
  const { kind } = words;
  const { watch, idempotencyKey: key = randomUUID() } = options;
  const begun = await context.api.post<B & { campaign: string }>(`/v1/${kind}s`, body, key);
  const { campaign: id } = begun;
  noted?.(begun);
  if (watch === true) return watchCampaign(context, words, { id, ...asAsked(context.output) });
  context.output.show({ [kind]: id }, () => `${kind} ${id}\nrotor ${kind} watch ${shortId(id)}`);
  return undefined;
}

export function addLooking(command: Command, act: Act, words: CampaignWords): void {
  const { kind } = words;
  const one = kind.toUpperCase();
  example(command.command('list'), `rotor ${kind} list`)
    .description('all of them, the newest first')
    .action(
      act(async ({ api, output }) => {
        output.show(await api.get<Row[]>(`/v1/${kind}s`), (rows) => campaignsText(kind, rows));
      }),
    );
  example(command.command(`show <${kind}>`), `rotor ${kind} show ${one}`)
    .description('how far each secret is')
    .action(
      act(async ({ api, output }, id: string) => {
        const view = await api.get<CampaignView>(campaignPath(kind, id));
        output.show(view, () => campaignText(words, view));
      }),
    );
  example(command.command(`watch <${kind}>`), `rotor ${kind} watch ${one}`)
    .description('follows it until it ends')
    .option('--until-blocked', 'stop with exit code 7 when only a person can help')
    .action(
      act((context, id: string, options: Following) =>
        watchCampaign(context, words, { id, ...options }),
      ),
    );
  example(command.command(`report <${kind}>`), `rotor ${kind} report ${one}`)
    .description(words.report)
    .action(
      act(async ({ api, output }, id: string) => {
        const report = await api.get<{ markdown: string }>(`${campaignPath(kind, id)}/report`);
        output.show(report, ({ markdown }) => markdown);
      }),
    );
}

function campaignsText(kind: CampaignKind, rows: readonly Row[]): string {
  return table(
    [kind, 'about', 'started', 'by', 'ended'],
    rows.map((row) => [
      shortId(row['id']),
      String(row['about']),
      String(row['started']),
      String(row['by']),
      String(row['ended'] ?? 'not yet'),
    ]),
  );
}

/** One screen: how far each secret is, and what keeps those that wait. */
function campaignText(words: CampaignWords, view: CampaignView): string {
  const { id, about } = view.campaign;
  const head = `${words.kind} ${shortId(id)}: ${String(about)}`;
  const columns = ['secret', words.versions, 'is', 'run', 'waits for'];
  return [head, sumsOf(words, view), table(columns, cellsOf(words, view))].join('\n');
}

function cellsOf(words: CampaignWords, { secrets }: CampaignView): string[][] {
  return secrets.map((row) => [
    String(row['secret']),
    (row['versions'] as string[]).join(', '),
    words.states[stateOf(row)],
    row['run'] === null ? '' : shortId(row['run']),
    String(row['failure'] ?? row['waitsCode'] ?? ''),
  ]);
}

function sumsOf(words: CampaignWords, { secrets }: CampaignView): string {
  const states = secrets.map(stateOf);
  const count = (state: State): number => states.filter((one) => one === state).length;
  const brought: readonly State[] = count('kept') > 0 ? ['kept'] : [];
  const order: readonly State[] = ['over', ...brought, 'busy', 'living', 'waiting'];
  return order.map((state) => `${count(state)} ${words.states[state]}`).join(' · ');
}

type State = keyof CampaignWords['states'];

function stateOf({ lives, busy, run, outcome }: Row): State {
  if (lives === true) return run === null ? 'waiting' : 'living';
  if (busy === true) return 'busy';
  return outcome === 'rolled-back' ? 'kept' : 'over';
}

/**
 * All of it once, then each secret that changed. The exit code: 0 once everything in scope is settled, 1 where
 * something was brought back, 7 where all that is left is blocked and `untilBlocked`.
 */
export async function watchCampaign(
  { api, output }: Context,
  words: CampaignWords,
  { id, untilBlocked }: Following & { readonly id: string },
): Promise<number> {
  const ask = openPatience(output);
  const changesOf = followed(words);
  const isStuck = openStuck();
  const demandWorker = openWorkerWatch(patient(ask, api), afterRestarts);
  for (let last = ''; ;) {
    const view = await ask(() => api.get<CampaignView>(campaignPath(words.kind, id)));
    const begun = view.secrets.length > 0 || view.campaign['ended'] !== null;
    const text = campaignText(words, view);
    if (begun && text !== last) output.show(view, changesOf);
    last = text;
    if (view.campaign['ended'] !== null)
      return view.secrets.some((row) => stateOf(row) === 'kept')
        ? exitCodes.failed
        : exitCodes.fine;
    if (untilBlocked === true && isStuck(view)) {
      output.note(stuckText(words, view));
      return exitCodes.blocked;
    }
    if (untilBlocked === true) await demandWorker();
    await pause(lookEveryMs);
  }
}

/** One that goes on, or is still to be asked for, is waited for: it may end without anybody's help. */
function openStuck(): (view: CampaignView) => boolean {
  const runs = new Map<unknown, (run: Row) => boolean>();
  const isStuck = (row: Row): boolean => {
    const check = runs.get(row['run']) ?? openBlocked();
    runs.set(row['run'], check);
    return check(row) || keepsAlive(row);
  };
  return ({ secrets }) => {
    // Each is looked at, also beside one that goes on.
    const stuck = secrets.filter(isOpen).map(isStuck);
    return stuck.length > 0 && !stuck.includes(false);
  };
}

/** Asked more than once: no run ends it before somebody has mended why. */
function keepsAlive({ lives, busy, leftAlive }: Row): boolean {
  return lives === true && busy !== true && Number(leftAlive ?? 0) > 0;
}

function isOpen({ lives, busy }: Row): boolean {
  return lives === true || busy === true;
}

function stuckText({ kind }: CampaignWords, { campaign, secrets }: CampaignView): string {
  const runs = secrets.filter(isOpen).map((row) => {
    const what = `${String(row['secret'])} is blocked (${String(row['waitsCode'] ?? row['failure'])})`;
    return `${what}: rotor watch ${shortId(row['run'])} --until-blocked says what to do`;
  });
  const id = shortId(campaign['id']);
  return [...runs, `once somebody has helped, rotor ${kind} watch ${id} follows it`].join('\n');
}

function followed(words: CampaignWords): (view: CampaignView) => string {
  let known: ReadonlySet<string> | undefined;
  return (view) => {
    const lines = cellsOf(words, view).map((cells) => cells.filter((one) => one !== '').join('  '));
    const before = known;
    known = new Set(lines);
    if (before === undefined) return campaignText(words, view);
    return [...lines.filter((line) => !before.has(line)), sumsOf(words, view)].join('\n');
  };
}
