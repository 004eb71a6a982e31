/** A credential of a real system that is older than rotor, in the files of two programs that use it all the time. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parse } from 'dotenv';
import {
  eventually,
  openInstallation,
  type Installation,
  type Row,
} from '../faults/installation.js';
import { openKillable } from '../faults/killable.js';

export interface RealSystem {
  /** Of the instance, in rotor.yaml; files that it names go into the folder. */
  issuer(folder: string): object;
  readonly specification: object;
  /** Makes a credential as somebody did before rotor came. */
  first(): Promise<string>;
  /** One use of the value, by the program of that name: false where it was refused; throws where the system is away. */
  use(value: string, program: string): Promise<boolean>;
  /** How the issuer shows a program, where it shows who it was; one that stays for a while, where looks are samples. */
  readonly shown?: {
    as(program: string): object;
    stay(value: string, program: string): Promise<{ leave(): Promise<void> }>;
  };
  /** Killed without a warning and started again. Absent where that makes it forget everything. */
  restart?(): Promise<void>;
  close(): Promise<void>;
}

export interface Refusal {
  readonly program: string;
  readonly at: Date;
}

export interface RealScene {
  readonly installation: Installation;
  /** In the order of time. */
  readonly refused: Refusal[];
  held(): string[];
  run(kind: RunKind, meanwhile?: Meanwhile, breaking?: readonly string[]): Promise<Row>;
  versions(): Promise<string[]>;
  findings(): Promise<string[]>;
  /** From now on an old version stays alive for at least so long. */
  keepOld(overlap: string): Promise<void>;
  /** From now on its policy differs from the usual one in this. */
  differ(policy: Row): Promise<void>;
  /** The worker from now on dies once at that point, and is started again. */
  killAt(point: string): void;
  close(): Promise<void>;
}

type RunKind = 'rotate' | 'compromise';
type Meanwhile = (runId: string) => Promise<void>;

export const programs = ['billing', 'reports'] as const;

/** Adopted, with its value, and in use. */
export async function openRealScene(system: RealSystem): Promise<RealScene> {
  const installation = await openInstallation((_, folder) => ({ real: system.issuer(folder) }));
  const files = programs.map((name) => join(installation.folder, `${name}.env`));
  const held = (): string[] =>
    files.map((file) => parse(readFileSync(file, 'utf8'))['VALUE'] ?? '');
  const old = await system.first();
  for (const file of files) writeFileSync(file, `VALUE='${old}'\n`);
  installation.start('api');
  const worker = openKillable(installation, 'worker');
  await installation.ready();
  try {
    await installation.apply(declaration(system, files));
    await installation.api.post('/v1/secrets/acme/real/adopt', { value: old });
  } catch (error) {
    throw new Error(`the API's log ends: ${installation.log('api').slice(-2_000)}`, {
      cause: error,
    });
  }
  const traffic = useAllTheTime(system, held);
  return {
    installation,
    refused: traffic.refused,
    held,
    run: (kind, meanwhile, breaking) => run(installation, { kind, meanwhile, breaking }),
    findings: async () => {
      const findings = await installation.api.get<Row[]>('/v1/findings');
      return findings.map(({ code }) => String(code));
    },
    keepOld: async (overlap) => {
      await installation.apply(declaration(system, files, { overlap }));
    },
    differ: async (policy) => {
      await installation.apply(declaration(system, files, policy));
    },
    versions: async () => {
      const { versions } = await installation.api.get<{ versions: Row[] }>('/v1/secrets/acme/real');
      return versions.map(
        ({ version, state, current }) =>
          `${String(version)} ${String(state)}${current === true ? ' current' : ''}`,
      );
    },
    killAt: (point) => {
      void worker.diesAt(point).then(worker.start);
    },
    close: async () => {
      await traffic.stop();
      await installation.close();
    },
  };
}

interface Asked {
  readonly kind: RunKind;
  readonly meanwhile: Meanwhile | undefined;
  /** Whose outage is accepted. */
  readonly breaking: readonly string[] | undefined;
}

async function run({ api }: Installation, { kind, meanwhile, breaking }: Asked): Promise<Row> {
  const { runId } = await api.post<{ runId: string }>('/v1/secrets/acme/real/runs', {
    kind,
    reason: 'test',
    ...(kind === 'compromise' || breaking !== undefined ? { confirm: 'revoke' } : {}),
    ...(breaking === undefined ? {} : { acceptOutage: { dependents: breaking, sources: [] } }),
  });
  const look = async (): Promise<Row> => (await api.get<{ run: Row }>(`/v1/runs/${runId}`)).run;
  await meanwhile?.(runId);
  await eventually(async () => (await look())['state'] === 'ended', 90_000).catch(async () => {
    throw new Error(`the run does not end: ${JSON.stringify(await look())}`);
  });
  return look();
}

function useAllTheTime(system: RealSystem, held: () => string[]) {
  const refused: Refusal[] = [];
  let using = true;
  const program = async (name: string, index: number): Promise<void> => {
    while (using) {
      const value = held()[index] ?? '';
      if (value !== '' && !(await system.use(value, name).catch(() => true))) {
        // Whoever reads the file just before it changes asks once more with what it holds now.
        if (held()[index] === value) refused.push({ program: name, at: new Date() });
      }
      await pause(120);
    }
  };
  const ended = Promise.all(programs.map(program));
  return {
    refused,
    stop: async (): Promise<void> => {
      using = false;
      await ended;
    },
  };
}

function declaration(
  { specification, shown }: RealSystem,
  files: readonly string[],
  differing: Row = {},
) {
  return {
    organization: 'acme',
    policies: [
      {
        name: 'quick',
        overlap: '0',
        quietPeriod: '200ms',
        disablePeriod: '0',
        monitorPeriod: '1m',
        leastEvidence: 'read-back',
        acceptUnseenUse: { by: 'test', reason: 'both programs are known' },
        openUse: { wait: '200ms', then: 'end' },
        timeouts: { mint: '2s', deliver: '2s', prove: '20s' },
        ...differing,
      },
    ],
    dependents: programs.map((name) => ({ name, owner: 'team' })),
    secrets: [
      {
        name: 'real',
        issuer: 'real',
        owner: 'team',
        policy: 'quick',
        specification,
        dependencies: programs.map((dependent, index) => ({
          dependent,
          connector: 'dotenv',
          destination: { file: files[index], variable: 'VALUE' },
          picksUpWithin: '1s',
          ...(shown === undefined ? {} : { seenAs: shown.as(dependent) }),
        })),
      },
    ],
  };
}
