/** Texts of what the API answers: plans, secrets, users, checks. */
import colors from 'picocolors';
import { attribute, tellsNobody, type SeenAs } from '../../domain/attribution.js';
import type { UseSource } from '../../domain/issuer.js';
import { shortId } from '../../domain/told-id.js';
import { labelsText } from './labels.js';
import { counted } from './counted.js';
import { table, when, type Cells } from './output.js';
import type { Row } from './row.js';
import { waitingLines } from './task-texts.js';

export interface PlanView {
  readonly title: string;
  readonly steps: readonly string[];
  readonly ends: readonly string[];
  readonly waves: readonly { readonly name: string; readonly dependents: readonly string[] }[];
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  readonly limits: readonly { readonly told: string; readonly source: string }[];
  readonly breaks: readonly string[];
  readonly undeclared: readonly string[];
  readonly blockers: readonly { readonly code: string; readonly message: string }[];
  readonly waits: readonly string[];
  readonly hash: string;
}

export function planText(plan: PlanView): string {
  const lines = [colors.bold(plan.title), '', `steps   ${plan.steps.join(' → ')}`];
  plan.waves.forEach(({ name, dependents }, index) => {
    lines.push(`wave ${index + 1}  ${name}: ${some(dependents)}`);
  });
  if (plan.ends.length > 0) lines.push(`ends    ${plan.ends.join(', ')}`);
  for (const { told, source } of plan.limits)
    lines.push(`limit   ${told} ${colors.dim(`(${source})`)}`);
  if (plan.breaks.length > 0) lines.push(`breaks  if it were revoked now: ${some(plan.breaks)}`);
  for (const source of plan.undeclared) {
    lines.push(`${colors.red('unknown')} ${source} uses it, and no declaration says who that is`);
  }
  for (const { code, message } of plan.blockers) {
    lines.push(`${colors.red('blocks')}  ${message} ${link(code)}`);
  }
  for (const told of plan.waits)
    lines.push(`${colors.yellow('waits')}   ${told} ${link('outside-window')}`);
  for (const { message } of plan.warnings) lines.push(`${colors.yellow('note')}    ${message}`);
  return [...lines, '', colors.dim(`plan ${plan.hash}`)].join('\n');
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, 8).join(', ');
  return names.length > 8 ? `${shown} and ${names.length - 8} more` : shown;
}

export function link(code: string): string {
  return colors.dim(`(docs/runbook.md#${code})`);
}

function cells(row: Row, names: readonly string[]): Cells {
  return names.map((name) => text(row[name]));
}

function text(value: unknown): string {
  if (value === null || value === undefined || value === false) return '';
  if (value === true) return '●';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

export function secretsText(rows: readonly Row[]): string {
  const names = ['secret', 'current', 'dependents', 'run', 'findings', 'owner'];
  return table(
    names,
    rows.map((row) => cells(row, names)),
  );
}

export function retiredText(rows: readonly Row[]): string {
  return table(
    ['secret', 'declared', 'retired', 'versions', 'owner'],
    rows.map((row) => [
      text(row['secret']),
      when(row['declared']),
      when(row['retired']),
      text(row['versions']),
      text(row['owner']),
    ]),
  );
}

export function runsText(rows: readonly Row[]): string {
  return table(
    ['run', 'secret', 'kind', 'state', 'asked', 'by'],
    rows.map((row) => [
      shortId(row['run']),
      text(row['secret']),
      text(row['kind']),
      text(row['outcome'] ?? row['waitsCode'] ?? row['state']),
      when(row['requested']),
      text(row['requestedBy']),
    ]),
  );
}

export interface SecretView extends Row {
  readonly versions: readonly Row[];
  readonly dependencies: readonly Row[];
  readonly use: readonly Row[];
  readonly findings: readonly Row[];
  /** What people are waited for. */
  readonly tasks: readonly Row[];
}

export function secretText(secret: SecretView): string {
  const labels = labelsText(secret['labels']);
  const parts = [
    colors.bold(`${text(secret['organization'])}/${text(secret['name'])}`),
    `issuer ${text(secret['issuer'])}, owner ${text(secret['owner'])}`,
    ...(labels === '' ? [] : [`labels ${labels}`]),
    '',
    versionsText(secret.versions),
    '',
    dependenciesText(secret.dependencies),
  ];
  if (secret.tasks.length > 0) parts.push('', ...waitingLines(secret.tasks));
  if (secret.findings.length > 0) parts.push('', findingsText(secret.findings));
  return parts.join('\n');
}

function versionsText(rows: readonly Row[]): string {
  return table(
    ['version', 'state', 'current', 'origin', 'value', 'expires', 'credential'],
    rows.map((row) => [
      ...cells(row, ['version', 'state', 'current', 'origin', 'value']),
      when(row['expires']),
      text(row['credential']),
    ]),
  );
}

function dependenciesText(rows: readonly Row[]): string {
  const names = ['dependent', 'connector', 'destination', 'leastEvidence'];
  return table(
    names,
    rows.map((row) => cells(row, names)),
  );
}

export function findingsText(rows: readonly Row[]): string {
  return rows
    .map(
      (row) =>
        `${colors.red(text(row['code']))} ${text(row['message'])} (${text(row['count'])}×, ${when(row['last'])}${row['muted'] === null ? '' : ', muted'})`,
    )
    .join('\n');
}

function strangerText(source: UseSource): string {
  return tellsNobody(source) ? colors.dim('not told') : colors.yellow('not declared');
}

export function usersText(secret: SecretView): string {
  const declared = secret.dependencies.map((row) => ({
    dependencyId: text(row['id']),
    dependent: text(row['dependent']),
    seenAs: (row['seenAs'] ?? undefined) as SeenAs | undefined,
  }));
  const used = table(
    ['version', 'outcome', 'dependent', 'address', 'seen as', 'count', 'last'],
    secret.use.map((row) => {
      const source = (row['source'] ?? {}) as UseSource;
      return [
        ...cells(row, ['version', 'outcome']),
        attribute(source, declared)?.dependent ?? strangerText(source),
        text(source.address),
        calledText(source),
        text(row['count']),
        when(row['last']),
      ];
    }),
  );
  const parts = [
    colors.bold('declared'),
    dependenciesText(secret.dependencies),
    '',
    colors.bold('seen'),
    used,
  ];
  if (secret.findings.length > 0) parts.push('', findingsText(secret.findings));
  return parts.join('\n');
}

function calledText({ userAgent, name }: UseSource): string {
  const called = [userAgent, name].filter((one) => one !== undefined && one !== '');
  return called.join(' · ').slice(0, 28);
}

export function changesText(rows: readonly Row[]): string {
  if (rows.length === 0) return 'nothing to change';
  const marks: Readonly<Record<string, string>> = {
    create: colors.green('+'),
    change: colors.yellow('~'),
    retire: colors.red('-'),
  };
  return rows
    .map((row) => {
      const fields = (row['fields'] ?? []) as readonly string[];
      const which = fields.length > 0 ? colors.dim(` (${fields.join(', ')})`) : '';
      const retiredOn = text(row['retiredAt']).slice(0, 'YYYY-MM-DD'.length);
      const again = retiredOn === '' ? '' : `: declared again, it was retired on ${retiredOn}`;
      const reach =
        row['secrets'] === undefined
          ? ''
          : `: ${counted(Number(row['secrets']), 'secret goes', 'secrets go')} by it`;
      return `${marks[text(row['change'])] ?? ' '} ${text(row['kind'])} ${text(row['name'])}${which}${reach}${again}`;
    })
    .join('\n');
}

export function checksText(rows: readonly Row[]): string {
  return rows
    .map((row) => {
      const mark = row['fine'] === true ? colors.green('✓') : colors.red('✗');
      const hint = row['hint'] === undefined ? '' : `\n    ${colors.dim('→')} ${text(row['hint'])}`;
      return `${mark} ${text(row['part']).padEnd(22)} ${text(row['told'])}${hint}`;
    })
    .join('\n');
}

export function tokensText(rows: readonly Row[]): string {
  return table(
    ['name', 'person', 'role', 'organization', 'expires', 'revoked'],
    rows.map((row) => [
      String(row['name']),
      row['holder'] === 'person' ? String(row['person']) : '(a program)',
      ...cells(row, ['role', 'organization']),
      when(row['expiresAt']),
      when(row['revokedAt']),
    ]),
  );
}
