/** An event as it is sent, and what to do about it: the runbook's heading, and a command. */
import { blockerCodes } from './blocker.js';
import type { EventKind } from './event.js';
import { findingKinds, type FindingCode, type Severity } from './finding.js';
import { shortId } from './told-id.js';

export interface ToldEvent {
  readonly id: string;
  readonly kind: EventKind;
  readonly severity: Severity;
  readonly code: string;
  readonly organization: string | null;
  /** `organization/name`; null where it is about none. */
  readonly secret: string | null;
  readonly owner: string | null;
  readonly run: string | null;
  readonly message: string;
  /** How often it happened since `at`. */
  readonly count: number;
  readonly at: Date;
}

export interface Advice {
  /** Of a finding, in one sentence; where a run waits, its message says it. */
  readonly todo: string | undefined;
  readonly command: string;
  readonly runbook: string | undefined;
}

const headings: ReadonlySet<string> = new Set([...blockerCodes, ...Object.keys(findingKinds)]);

/** Kinds of events that are made of findings. */
const found: ReadonlySet<EventKind> = new Set(['finding', 'overdue']);

export function adviceOn(event: ToldEvent): Advice {
  const { kind, code } = event;
  const runbook = headings.has(code) ? `docs/runbook.md#${code}` : undefined;
  const todo = found.has(kind) && isFinding(code) ? findingKinds[code].todo : undefined;
  return { todo, command: commandFor(event), runbook };
}

function isFinding(code: string): code is FindingCode {
  return Object.hasOwn(findingKinds, code);
}

function commandFor({ kind, code, run, secret }: ToldEvent): string {
  const of = run === null ? '' : shortId(run);
  if (kind === 'task') return 'rotor tasks list';
  if (code === 'approval-needed') return `rotor approve ${of}`;
  if (kind === 'run-finished') return `rotor report ${of}`;
  if (run !== null) return `rotor watch ${of}`;
  return secret === null ? 'rotor doctor' : `rotor show ${secret}`;
}

type Headline = (of: string, code: string) => string;

const headlines: Readonly<Record<EventKind, Headline>> = {
  blocked: (of, code) => `${of} is blocked: ${code}`,
  waiting: (of, code) => `${of} waits for you: ${code}`,
  finding: (of, code) => `${of}: ${code}`,
  'run-started': (of, code) => `${of}: ${code} has begun`,
  'run-finished': (of, code) => `${of}: the run has ended, ${code}`,
  overdue: (of) => `${of} is overdue`,
  compromise: (of) => `${of} is compromised`,
  task: (of, code) => `${of}: ${code === 'task-overdue' ? 'a task is overdue' : 'a task for you'}`,
  test: () => 'a test of this route',
};

/** One line: what happened, and to what. */
export function headline({ kind, code, secret, count }: ToldEvent): string {
  const often = count > 1 ? `, ${count} times` : '';
  return `${headlines[kind](secret ?? 'rotor', code)}${often}`;
}
