/** Figures of the registry in Prometheus' text format; computed when they are asked for, and kept for a moment. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Figures, SecretFigures } from '../infra/registry/figures.js';

/** Undefined: of all organizations. */
export type ReadFigures = (organization: string | undefined) => Promise<Figures>;
export type Metrics = (organization: string | undefined) => Promise<string>;

export const metricsType = Registry.PROMETHEUS_CONTENT_TYPE;

const keptMs = 1_000;

/** However many ask, the database is asked once in a moment. */
export function openMetrics(read: ReadFigures): Metrics {
  const kept = new Map<
    string | undefined,
    { readonly at: number; readonly text: Promise<string> }
  >();
  return (organization) => {
    const known = kept.get(organization);
    if (known !== undefined && Date.now() - known.at < keptMs) return known.text;
    const text = read(organization).then(textOf);
    kept.set(organization, { at: Date.now(), text });
    // What failed is asked for anew.
    text.catch(() => kept.delete(organization));
    return text;
  };
}

function textOf(figures: Figures): Promise<string> {
  const registry = new Registry();
  addTotals(registry, figures);
  addRuns(registry, figures);
  addSecrets(registry, figures.each);
  return registry.metrics();
}

function gauge(registry: Registry, name: string, help: string): (value: number) => void {
  const one = new Gauge({ name, help, registers: [registry] });
  return (value) => one.set(value);
}

function addTotals(registry: Registry, figures: Figures): void {
  const { secrets, overdue, each, recovering, sweptAt } = figures;
  gauge(registry, 'rotor_secrets', 'Secrets that are declared')(secrets);
  gauge(registry, 'rotor_secrets_overdue', 'Secrets whose rotation or end is overdue')(overdue);
  const left = 'Secrets without series of their own, because there are too many';
  gauge(registry, 'rotor_secrets_not_listed', left)(secrets - each.length);
  const back = 'Whether the database was set back, and nothing is revoked or swept';
  gauge(registry, 'rotor_recovering', back)(Number(recovering));
  const swept = 'When a sweep last came to its end';
  if (sweptAt !== null) gauge(registry, 'rotor_last_sweep_timestamp_seconds', swept)(sweptAt);
  const open = 'Open findings that are not muted';
  counted(registry, 'rotor_findings_open', open, 'code')(figures.findings);
  counted(registry, 'rotor_tasks_open', 'Tasks that wait for a person', 'code')(figures.tasks);
  const refusals = new Counter({
    name: 'rotor_retired_version_refusals_total',
    help: 'Attempts with versions that were revoked or have ended',
    registers: [registry],
  });
  refusals.inc(figures.refusals);
}

function addRuns(registry: Registry, figures: Figures): void {
  counted(registry, 'rotor_runs_open', 'Runs that have not ended', 'kind')(figures.open);
  counted(registry, 'rotor_runs_blocked', 'Runs that wait for a person', 'code')(figures.blocked);
  const queue = new Histogram({
    name: 'rotor_contain_queue_seconds',
    help: 'From the request of a compromise to its first step',
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300],
    registers: [registry],
  });
  for (const seconds of figures.containSeconds) queue.observe(seconds);
  const waiting = 'How long the compromise waits that has waited longest for its first step';
  gauge(registry, 'rotor_contain_waiting_seconds', waiting)(figures.containWaitingSeconds);
}

type Counted = { readonly count: number } & Readonly<Partial<Record<'code' | 'kind', string>>>;

function counted(
  registry: Registry,
  ...[name, help, label]: [string, string, 'code' | 'kind']
): (rows: readonly Counted[]) => void {
  const one = new Gauge({ name, help, labelNames: [label], registers: [registry] });
  return (rows) => {
    for (const row of rows) one.set({ [label]: row[label] ?? '' }, row.count);
  };
}

type Of = (secret: SecretFigures) => number | null;

const perSecret: Readonly<Record<string, readonly [string, Of]>> = {
  rotor_version_age_seconds: ['Age of the current version', (one) => one.ageSeconds],
  rotor_version_expiry_timestamp_seconds: ['When the current version ends', (one) => one.expiresAt],
  rotor_last_success_timestamp_seconds: [
    'When a rotation or a compromise last succeeded',
    (one) => one.succeededAt,
  ],
  rotor_use_record_age_seconds: [
    'How long ago the moment is up to which use is known',
    (one) => one.recordAgeSeconds,
  ],
  rotor_secret_overdue: ['Whether its rotation or end is overdue', (one) => Number(one.overdue)],
};

function addSecrets(registry: Registry, secrets: readonly SecretFigures[]): void {
  for (const [name, [help, of]] of Object.entries(perSecret)) {
    const labelNames = ['organization', 'secret'];
    const one = new Gauge({ name, help, labelNames, registers: [registry] });
    for (const figures of secrets) {
      const value = of(figures);
      const { organization, secret } = figures;
      if (value !== null) one.set({ organization, secret }, value);
    }
  }
}
