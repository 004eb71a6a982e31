/** The command that looks for what nobody declared: users of a secret, and places that hold it. */
import colors from 'picocolors';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import type { Declarable } from '../../domain/discover/place.js';
import type { Copy, DiscoveryTold } from '../../domain/discover/told.js';
import { RotorError } from '../../domain/errors.js';
import { secretPath, type Act, type Context } from './context.js';
import { counted } from './counted.js';
import { exitCodes, when } from './output.js';
import { example } from './example.js';
import { untilEnded, type Pace } from './until-ended.js';

interface State {
  readonly workflowId: string;
  readonly running: boolean;
  readonly told?: DiscoveryTold;
}

export function addDiscover(program: Command, act: Act): void {
  example(program.command('discover <secret>'), 'rotor discover acme/billing-api')
    .description('who uses it, and where it lies, that nobody declared; exit code 8 where any')
    .action(act((context, secret: string) => discover(context, secret)));
}

export async function discover(
  { api, output }: Context,
  secret: string,
  pace?: Pace,
): Promise<number> {
  const path = `${secretPath(secret)}/discovery`;
  const begun = await api.post<State>(path);
  if (begun.running) output.note('looking …');
  const { told, workflowId } = await untilEnded(api, { begun, path }, pace);
  if (told === undefined) {
    throw new RotorError('discovery-failed', 'the discovery did not end as it should', {
      kind: 'failed',
      hint: `its workflow is ${workflowId}`,
    });
  }
  output.show(told, discoveryText);
  const isFine = told.users.length === 0 && told.copies.every((copy) => !isOpen(copy));
  return isFine ? exitCodes.fine : exitCodes.faulty;
}

/** Of a live version, where nobody declared it. */
function isOpen({ severity }: Copy): boolean {
  return severity !== undefined;
}

export function discoveryText(told: DiscoveryTold): string {
  const open = told.copies.filter(isOpen);
  const others = told.copies.filter((copy) => !isOpen(copy));
  const users = told.users.map(
    ({ told: what, lastAt, count }) => `${what} (${count}×, last ${when(lastAt)})`,
  );
  return [
    ...block('used by nobody declared', users, `nobody: ${told.record}`),
    ...block('copies that nobody declared', open.flatMap(copyLines), 'none was found'),
    ...(others.length === 0 ? [] : block('also there', others.flatMap(copyLines), '')),
    ...block(
      'looked at',
      told.looked.map(({ place, told: much }) => `${place}: ${much}`),
      'nothing',
    ),
    ...passedOverLines(told),
    ...pasteLines(open),
  ].join('\n');
}

/** What lies in somebody's folder may be named over several lines, to look like lines of ours. */
function block(title: string, lines: readonly string[], none: string): string[] {
  const shown =
    lines.length === 0 ? [colors.dim(none)] : lines.map((line) => line.replaceAll('\n', ' '));
  return [colors.bold(title), ...shown.map((line) => `  ${line}`), ''];
}

const paint = { critical: colors.red, warning: colors.yellow, info: colors.cyan } as const;

function copyLines(copy: Copy): string[] {
  const { version, state, current, revokedAt, where, detail, declared, severity, todo } = copy;
  const dead = revokedAt === undefined ? state : `${state} ${when(revokedAt)}`;
  const mark = severity === undefined ? '' : `${paint[severity](severity)} `;
  const at = detail === undefined ? where : `${where} (${detail})`;
  const known = [
    ...(declared === undefined ? [] : [`declared: ${declared}`]),
    ...copy.declaredFor.map((user) => `declared for ${user}`),
    ...(copy.likely === undefined ? [] : [`may be ${copy.likely}`]),
  ];
  const who = known.length === 0 ? '' : `, ${known.join(', ')}`;
  const line = `${mark}${version} ${dead}${current ? '●' : ''}  ${at}${who}`;
  return todo === 'nothing' ? [line] : [line, `  ${colors.dim('→')} ${todo}`];
}

function passedOverLines(told: DiscoveryTold): string[] {
  const { passedOver, furtherPassedOver, furtherCopies, valueUnknown } = told;
  const lines = [
    ...passedOver.map(({ where, why }) => `${where}: ${why}`),
    ...(furtherPassedOver > 0 ? [`and ${counted(furtherPassedOver, 'place')} more`] : []),
    ...(furtherCopies > 0 ? [`${counted(furtherCopies, 'further copy', 'further copies')}`] : []),
    ...valueUnknown.map((version) => `${version}: rotor never had its value (rotor adopt)`),
  ];
  return lines.length === 0 ? [] : block('not looked at', lines, '');
}

/** Once for each place. */
function pasteLines(open: readonly Copy[]): string[] {
  const declared = open.flatMap(({ declare }) => (declare === undefined ? [] : [declare]));
  const once = [...new Map(declared.map((one) => [JSON.stringify(one), one])).values()];
  if (once.length === 0) return [];
  const text = stringify(
    once.map((one) => dependencyOf(one)),
    { lineWidth: 0 },
  );
  return [
    colors.bold('to paste below the dependencies of the secret, with the name of who it is'),
    ...text.trimEnd().split('\n'),
  ];
}

/** With the weakest evidence, so that it can be applied before anybody knows how its user is recognized. */
function dependencyOf(place: Declarable): object {
  const leastEvidence = place.connector === 'human-task' ? 'human' : 'read-back';
  return { dependent: 'todo', ...place, leastEvidence };
}
