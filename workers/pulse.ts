/** What a worker saw last of the database, kept beside it: one that is older now was set back. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { TrailParts } from '../infra/registry/installation-trail.js';
import { nextPulse, noticeSetBack, type Pulse } from '../infra/registry/recovery.js';

const Kept = z.object({
  installation: z.uuid(),
  life: z.int(),
  beat: z.int(),
}) satisfies z.ZodType<Pulse>;

export interface PulseParts extends TrailParts {
  readonly stateFolder: string;
}

/** Once before anything is carried out, and every few seconds from then on. */
export function openPulse(parts: PulseParts): () => Promise<void> {
  const file = join(parts.stateFolder, 'pulse.json');
  let seen = readKept(file);
  return async () => {
    const { pulse, isSetBack } = await nextPulse(parts.pool, seen);
    if (isSetBack) await noticeSetBack(parts, causeOf(pulse, seen));
    else seen = pulse;
    keep(file, seen ?? pulse);
  };
}

function causeOf({ life, beat }: Pulse, seen: Pulse | undefined): string {
  const was = seen === undefined ? '' : `${seen.life}/${seen.beat}`;
  return `this machine has seen its pulse at ${was}, and it is at ${life}/${beat}`;
}

function readKept(file: string): Pulse | undefined {
  try {
    return Kept.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data;
  } catch {
    return undefined;
  }
}

/** Several workers of a machine share it. Where nothing can be written, this process remembers as long as it lives. */
function keep(file: string, pulse: Pulse): void {
  const next = `${file}.${process.pid}`;
  try {
    writeFileSync(next, JSON.stringify(pulse), { mode: 0o600 });
    renameSync(next, file);
  } catch {
    return;
  }
}
