/** A login leaks while all of rotor is down: it is contained at the issuer, and the next start replaces it everywhere. */
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import colors from 'picocolors';
import { parse, stringify } from 'yaml';
import { inventoryFile } from '../../infra/direct/inventory-file.js';
import { freePort } from '../../infra/embedded/readiness.js';
import { prepareState } from '../stack/first-start.js';
import { database, logsIn, ownerRole, startCustomers, type Customers } from './customers.js';
import type { Promised } from './figures.js';
import {
  attemptsOf,
  checkpoint,
  orphansAmong,
  outageSince,
  plaintextHits,
  type ShownVersion,
} from './observer.js';
import { destinationOf, valueIn, type Place } from './places.js';
import { startProgram } from './program.js';
import { say, secondsSince, until, type Played, type Running, type Stage } from './stage.js';

const secret = 'acme/orders-db';
const path = '/v1/secrets/acme/orders-db';
const longestContainMs = 5_000;

const programs = [
  { name: 'orders-service', source: 'dotenv', file: 'orders.env' },
  { name: 'reports', source: 'json', file: 'reports.json' },
] as const;
type Program = (typeof programs)[number];
const login = { kind: 'postgres' } as const;

function placeOf(folder: string, { source, file }: Program): Place {
  return { source, file: join(folder, file) };
}

function currentValue({ folder }: Pick<Stage, 'folder'>): string {
  return valueIn(placeOf(folder, programs[1]));
}

/** What is there before rotor is started for the first time. */
async function setUp(stage: Stage): Promise<Customers> {
  const { stateFolder, folder } = stage;
  const customers = await startCustomers(stateFolder);
  stage.atEnd(() => customers.close());
  await prepareState(stateFolder, { roots: [folder], port: await freePort() });
  const file = join(stateFolder, 'rotor.yaml');
  const configuration = parse(readFileSync(file, 'utf8')) as { issuers: Record<string, object> };
  configuration.issuers['orders'] = customers.issuer;
  writeFileSync(file, stringify(configuration), { mode: 0o600 });
  writeFileSync(join(folder, 'orders.env'), 'CLIENT_SECRET=\n', { mode: 0o600 });
  writeFileSync(join(folder, 'reports.json'), '{ "api": { "secret": "" } }\n', { mode: 0o600 });
  return customers;
}

function declarations(folder: string): string {
  const policy = { name: 'demo', overlap: '0', quietPeriod: '1s', disablePeriod: '0' };
  return stringify({
    organization: 'acme',
    policies: [{ ...policy, timeouts: { deliver: '5s', prove: '20s' } }],
    dependents: programs.map(({ name }) => ({ name, owner: `team-${name}` })),
    secrets: [
      {
        name: 'orders-db',
        issuer: 'orders',
        owner: 'team-orders',
        policy: 'demo',
        specification: { ownerRole, database },
        dependencies: programs.map((program) => ({
          dependent: program.name,
          ...destinationOf(placeOf(folder, program)),
          seenAs: { name: program.name },
          picksUpWithin: '1s',
        })),
      },
    ],
  });
}

/** A login that the programs use, and that the inventory knows. */
async function provision({ cli, folder, stateFolder }: Stage): Promise<void> {
  const file = join(folder, 'acme.yaml');
  writeFileSync(file, declarations(folder));
  await cli.run(['apply', '-f', file]);
  await cli.run(['rotate', secret, '--reason', 'the first login', '--watch']);
  const role = new URL(currentValue({ folder })).username;
  say('Every worker keeps a signed inventory beside its configuration, without any value.');
  await until(async () =>
    readFileSync(inventoryFile({ stateFolder }), 'utf8').includes(`"credentialId":"${role}"`)
      ? true
      : undefined,
  );
}

function answers(address: string): Promise<boolean> {
  const { hostname, port } = new URL(address);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
  });
}

interface Away {
  readonly since: number;
  readonly everythingWasAway: boolean;
}

async function stopRotor(stage: Stage, { stack }: Running): Promise<Away> {
  const parts = [stack.url, stack.databaseOwnerUrl, `tcp://${stack.temporalAddress}`];
  await stage.stop();
  const since = Date.now();
  const there = await Promise.all(parts.map(answers));
  say(
    "All of rotor is stopped: worker, API, Temporal, and rotor's PostgreSQL. The programs go on.",
  );
  await pause(1_500);
  return { since, everythingWasAway: there.every((one) => !one) };
}

interface Contained {
  readonly began: number;
  readonly ms: number;
  readonly code: number;
  readonly namesWhoBreaks: boolean;
}

async function contain({ cli }: Stage, leaked: string): Promise<Contained> {
  say('The login turns up on a wiki.');
  const began = Date.now();
  const words = ['--reason', 'on a wiki', '--as', 'jo', '--confirm', 'revoke'];
  const asked = cli.run(['contain', secret, '--direct', ...words]);
  const refusedAt = await until(async () => ((await logsIn(leaked)) ? undefined : Date.now()), 5);
  const { code, errors } = await asked;
  const ms = refusedAt - began;
  console.log(`  ${colors.bold('refused')} ${ms} ms after the command was started`);
  await pause(500);
  return { began, ms, code, namesWhoBreaks: programs.every(({ name }) => errors.includes(name)) };
}

interface Replaced {
  readonly running: Running;
  readonly ms: number;
  readonly runs: number;
  readonly findingClosed: boolean;
}

async function startAgain(stage: Stage): Promise<Replaced> {
  say('rotor is started again. It reads what was done without it, and asks itself to replace it.');
  const began = Date.now();
  const running = await stage.start();
  const { api } = running;
  const runs = await until(async () => {
    const found = await api.get<{ run: string; kind: string }[]>('/v1/runs');
    const made = found.filter(({ kind }) => kind === 'compromise');
    return made.length > 0 ? made : undefined;
  });
  const id = runs[0]?.run.slice(0, 8) ?? '';
  await stage.cli.run(['watch', id]);
  const ms = Date.now() - began;
  const findingClosed = await until(async () => {
    const all = await api.get<{ code: string; closed: string | null }[]>('/v1/findings?all=true');
    const those = all.filter(({ code }) => code === 'contained-directly');
    return those.length > 0 && those.every(({ closed }) => closed !== null) ? true : undefined;
  });
  await stage.cli.run(['report', id]);
  return { running, ms, runs: runs.length, findingClosed };
}

/** Logins that live and are no live version, and the other way round. */
async function countOrphans(customers: Customers, { api }: Running): Promise<number> {
  const { versions } = await api.get<{ versions: ShownVersion[] }>(path);
  return orphansAmong(await customers.roles(), versions);
}

interface Observed {
  readonly customers: Customers;
  readonly away: Away;
  readonly contained: Contained;
  readonly replaced: Replaced;
  readonly leaked: string;
}

async function measure(stage: Stage, observed: Observed) {
  const { customers, away, contained, replaced, leaked } = observed;
  const { running } = replaced;
  const attempts = programs.map(({ name }) => ({ name, all: attemptsOf(stage.folder, name) }));
  const all = attempts.flatMap((one) => one.all);
  const whileAway = all.filter(({ at }) => at >= away.since && at < contained.began);
  const audit = await stage.cli.run(['audit', 'verify']);
  await checkpoint(running.stack.databaseOwnerUrl);
  const passwords = [leaked, currentValue(stage)].map((url) => new URL(url).password);
  return {
    requests: all.length,
    everythingWasAway: away.everythingWasAway,
    requestsWhileRotorWasAway: whileAway.length,
    notAcceptedWhileRotorWasAway: whileAway.filter(({ outcome }) => outcome !== 'accepted').length,
    namesWhoBreaks: contained.namesWhoBreaks,
    containExitCode: contained.code,
    containMilliseconds: contained.ms,
    leakedValueRefused: !(await logsIn(leaked)),
    compromiseRuns: replaced.runs,
    replacedMillisecondsAfterStart: replaced.ms,
    outageMillisecondsPerDependent: Object.fromEntries(
      attempts.map((one) => [one.name, outageSince(one.all, contained.began)]),
    ),
    worksAgain: attempts.every((one) => one.all.at(-1)?.outcome === 'accepted'),
    findingClosed: replaced.findingClosed,
    orphans: await countOrphans(customers, running),
    auditVerified: audit.code === 0,
    plaintextHits: plaintextHits(stage.stateFolder, passwords),
    secondsTotal: secondsSince(stage.began),
  };
}

function promisesOf(figures: Awaited<ReturnType<typeof measure>>): Promised[] {
  return [
    ['all of rotor was away', figures.everythingWasAway],
    ['nobody notices that rotor is away', figures.notAcceptedWhileRotorWasAway === 0],
    ['whoever contains sees who breaks', figures.namesWhoBreaks],
    [
      `a leak is contained within ${longestContainMs} ms without rotor`,
      figures.containExitCode === 0 && figures.containMilliseconds <= longestContainMs,
    ],
    ['the leaked value is refused', figures.leakedValueRefused],
    ['the next start makes one run of it', figures.compromiseRuns === 1],
    ['every program works again', figures.worksAgain && figures.findingClosed],
    ['no credential is lost or orphaned', figures.orphans === 0],
    ['the audit trail is complete', figures.auditVerified],
    ['no value stands in clear anywhere', figures.plaintextHits === 0],
  ];
}

export async function breakGlass(stage: Stage): Promise<Played> {
  const customers = await setUp(stage);
  const first = await stage.start();
  for (const one of programs) {
    const use = { ...placeOf(stage.folder, one), about: 'orders-db', login };
    const program = startProgram(stage.folder, { name: one.name, uses: [use] });
    stage.atEnd(() => program.kill());
  }
  say(
    `Two programs will log in by ${secret}, ten times a second each, at a PostgreSQL of their own.`,
  );
  await provision(stage);
  const leaked = currentValue(stage);
  const away = await stopRotor(stage, first);
  const contained = await contain(stage, leaked);
  const replaced = await startAgain(stage);
  await pause(500);
  const figures = await measure(stage, { customers, away, contained, replaced, leaked });
  return { figures, promises: promisesOf(figures), stack: replaced.running.stack };
}
