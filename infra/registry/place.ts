/** Where a request for a secret goes: to the run that is there, behind it, in its place, or nowhere. */
import type { Accepting } from '../../domain/acceptance.js';
import {
  answerWhenBusy,
  losesAcceptance,
  widened,
  type Asked,
  type Running,
} from '../../domain/busy.js';
import { RotorError } from '../../domain/errors.js';
import type { RunOptions } from '../../domain/facts.js';
import type { RunKind, RunState } from '../../domain/run.js';
import type { Queryable } from '../postgres.js';

interface OpenRun {
  readonly id: string;
  readonly kind: RunKind;
  readonly state: RunState;
  readonly options: RunOptions;
  readonly decisions: readonly Accepting[];
  readonly direction: 'forward' | 'back' | null;
  readonly ageMs: number;
}

/** What was accepted since counts like what came with the request. */
export async function openRuns(db: Queryable, secretId: string): Promise<OpenRun[]> {
  const { rows } = await db.query<OpenRun>(
    `select id, kind, state, options, plan->>'direction' as direction,
       (select coalesce(json_agg(json_build_object('kind', d.kind, 'by', d.decided_by,
            'reason', d.reason, 'accepted', d.accepted) order by d.decided_at), '[]')
        from rotor.decisions d where d.run_id = r.id) as decisions,
       (extract(epoch from clock_timestamp() - requested_at) * 1000)::float8 as "ageMs"
     from rotor.runs r where secret_id = $1 and state <> 'ended'`,
    [secretId],
  );
  return rows;
}

export type Place =
  | { readonly kind: 'join'; readonly runId: string }
  | {
      readonly kind: 'new';
      readonly state: 'requested' | 'queued';
      readonly supersedes: string | undefined;
      /** What the new run is asked to do. */
      readonly options: RunOptions;
    };

export function placeFor(request: Asked, open: readonly OpenRun[]): Place {
  const running = open.find(({ state }) => state !== 'queued');
  const queued = open.find(({ state }) => state === 'queued');
  if (running === undefined) return newRun(request);
  const answer = answerWhenBusy(request, asRunning(running));
  switch (answer) {
    case 'join':
      return { kind: 'join', runId: running.id };
    case 'take-over':
      return takeOver(request, running);
    case 'refuse':
      throw busy(running, `a ${request.kind} cannot begin while it is under way`);
    case 'loses-acceptance':
      throw acceptanceLost(running);
    case 'contains-later':
      throw containsLater(running);
    case 'queue':
      return behind(request, running, queued);
  }
}

/** One waits at most, and whoever asks for the same joins it. */
function behind(request: Asked, running: OpenRun, queued: OpenRun | undefined): Place {
  if (queued === undefined) return { ...newRun(request), state: 'queued' };
  if (queued.kind !== request.kind) throw busy(running, 'and another request waits for it already');
  if (losesAcceptance(request, queued)) throw acceptanceLost(queued);
  return { kind: 'join', runId: queued.id };
}

type NewPlace = Extract<Place, { kind: 'new' }>;

function newRun({ options }: Asked): NewPlace {
  return { kind: 'new', state: 'requested', supersedes: undefined, options };
}

function takeOver(request: Asked, running: OpenRun): NewPlace {
  const both = request.kind === 'compromise' && running.kind === 'compromise';
  const options = both ? widened(request.options, running.options) : request.options;
  return { ...newRun(request), supersedes: running.id, options };
}

function asRunning(run: OpenRun): Running {
  return { ...run, direction: run.direction ?? 'forward' };
}

/** Live versions that the compromise does not end, such as the one that it made: whoever joins it may mean these. */
export async function livesOn(db: Queryable, runId: string): Promise<string[]> {
  const { rows } = await db.query<{ version: string }>(
    `select 'v' || v.ordinal as version from rotor.versions v
     join rotor.runs r on r.secret_id = v.secret_id
     where r.id = $1 and r.kind = 'compromise' and v.state in ('active', 'retiring', 'disabled')
       and not r.plan->'ends' ? v.id::text order by v.ordinal`,
    [runId],
  );
  return rows.map(({ version }) => version);
}

function acceptanceLost({ id, kind }: OpenRun): RotorError {
  return new RotorError(
    'secret-busy',
    `run ${id} (${kind}) has this secret and does not have what you accept: joining it, your acceptance would be lost`,
    {
      kind: 'conflict',
      hint: `rotor decide ${id} accept-outage --reason TEXT, or accept-unseen-use, tells it`,
    },
  );
}

function containsLater({ id }: OpenRun): RotorError {
  return new RotorError(
    'secret-busy',
    `run ${id} (compromise) contains sooner than you ask for, and does not end all that you name`,
    {
      kind: 'conflict',
      hint: `ask without --replace-first: that contains both at once; or wait: rotor watch ${id}`,
    },
  );
}

function busy(running: OpenRun, why: string): RotorError {
  return new RotorError(
    'secret-busy',
    `run ${running.id} (${running.kind}) has this secret: ${why}`,
    {
      kind: 'conflict',
      hint: `rotor watch ${running.id}`,
    },
  );
}
