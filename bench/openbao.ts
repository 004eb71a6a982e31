/** OpenBao's database engine (rotate-role of a static role) beside rotor's postgres issuer, alternating, on the same two servers. */
import { known, median, sample, spread, type Line } from './measure.js';
import { openEngine, type Engine } from './openbao-engine.js';
import { killsBeside } from './openbao-kills.js';
import { interruptions } from './openbao-programs.js';
import { openRotor, type Rotor } from './rotor-postgres.js';

const rounds = 30;
const inFlight = 16;
const roundsInFlight = 6;

interface Both {
  readonly engine: Engine;
  readonly rotor: Rotor;
}

export async function openbaoBench(): Promise<Line[]> {
  const rotor = await openRotor(inFlight + 1);
  const { ownerUrl, ownerPool } = rotor.installation.database;
  const engine = await openEngine(ownerUrl, ownerPool, inFlight + 1);
  const both = { engine, rotor };
  try {
    await prepare(both);
    return [
      ...(await oneAtATime(both)),
      ...(await manyInFlight(both)),
      ...(await interruptions(engine, rotor)),
      ...(await killsBeside(engine, rotor)),
    ];
  } finally {
    await engine.close();
    await rotor.close();
  }
}

/** Nobody's first rotation is measured: connections are made, code is loaded, each secret has a version. */
async function prepare(both: Both): Promise<void> {
  const [, ...others] = numbers();
  for (const work of works(both)) await Promise.all(others.map((number) => work.once(number)));
}

interface Work {
  readonly what: string;
  /** With that of all that there are. */
  once(number: number): Promise<void>;
}

/** The number 0 is kept for the programs. */
const numbers = (): number[] => Array.from({ length: inFlight + 1 }, (_, index) => index);

function works({ engine, rotor }: Both): readonly Work[] {
  return [
    {
      what: 'OpenBao: rotate-role',
      once: (number) => engine.rotate(engine.roles[number] ?? ''),
    },
    { what: "rotor's issuer alone: mint, revoke", once: (number) => rotor.bare.replace(number) },
    {
      what: 'rotor: a rotation, 1 dependent',
      once: (number) => {
        const secret = rotor.secrets[number];
        return secret === undefined ? Promise.resolve() : rotor.rotate(secret);
      },
    },
  ];
}

async function oneAtATime(both: Both): Promise<Line[]> {
  const measured = works(both).map((work) => ({ work, times: [] as number[] }));
  for (let round = 0; round < rounds; round += 1)
    for (const { work, times } of measured)
      times.push((await sample(() => work.once(1 + (round % inFlight)))).wallMs);
  return lines(measured, ', one at a time');
}

async function manyInFlight(both: Both): Promise<Line[]> {
  const measured = works(both).map((work) => ({ work, times: [] as number[], tookMs: 0 }));
  const [, ...others] = numbers();
  for (let round = 0; round < roundsInFlight; round += 1)
    for (const one of measured) {
      const { wallMs } = await sample(() =>
        Promise.all(
          others.map(async (number) =>
            one.times.push((await sample(() => one.work.once(number))).wallMs),
          ),
        ),
      );
      one.tookMs += wallMs;
    }
  const rates = measured.map(({ work, times, tookMs }) => ({
    what: `${work.what}, with ${String(inFlight)}`,
    measured: `${(times.length / (tookMs / 1_000)).toFixed(1)}/s`,
    ...known,
  }));
  return [...lines(measured, `, ${String(inFlight)} in flight`), ...rates];
}

interface Measured {
  readonly work: Work;
  readonly times: readonly number[];
}

/** In multiples of the first one's median. */
function lines(measured: readonly Measured[], how: string): Line[] {
  const first = median(measured[0]?.times ?? []);
  return measured.map(({ work, times }) => ({
    what: work.what + how,
    measured: `${spread(times)}, ${(median(times) / first).toFixed(1)} ×`,
    ...known,
  }));
}
