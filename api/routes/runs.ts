/** Routes about runs: what they do, deciding about them, their report. */
import { RotorError } from '../../domain/errors.js';
import { noSuchSecret } from '../../domain/registry.js';
import type { DecisionKind } from '../../domain/run.js';
import {
  findRun,
  listRuns,
  runParts,
  secretDependencies,
  secretFindings,
  secretUse,
  secretVersions,
  type Row,
} from '../../infra/registry/views.js';
import { findSecret } from '../../infra/registry/secret-life.js';
import { tasksOf } from '../../infra/registry/task-views.js';
import { checkQuery, RunsQuery } from '../../schemas/questions.js';
import { DecisionBody } from '../../schemas/requests.js';
import { demandOrganization } from '../access.js';
import { demandRight, demandWord, mayBreak } from '../confirmation.js';
import type { ApiParts } from '../parts.js';
import { reportOf } from '../report.js';
import { ownView, type RunView } from '../run-view.js';
import { route, type Call, type Route } from '../route.js';

export function runRoutes(parts: ApiParts): Route[] {
  return [
    route({
      method: 'GET',
      url: '/v1/runs',
      right: 'read',
      handle: (call) => list(parts, call),
    }),
    route({
      method: 'GET',
      url: '/v1/runs/:run',
      right: 'read',
      handle: (call) => showRun(parts, call),
    }),
    route({
      method: 'GET',
      url: '/v1/runs/:run/report',
      right: 'read',
      handle: async (call) => reportOf(await showRun(parts, call)),
    }),
    route({
      method: 'POST',
      url: '/v1/runs/:run/decisions',
      right: 'operate',
      body: DecisionBody,
      handle: (call) => decide(parts, call),
    }),
  ];
}

/** Of a name that was never there no list is empty: somebody has mistyped it. */
async function list({ pool }: ApiParts, { query, by }: Call<unknown>): Promise<unknown> {
  const asked = checkQuery(RunsQuery, query);
  const { secret } = asked;
  if (secret !== undefined) {
    demandOrganization(by, secret.organization);
    if ((await findSecret(pool, secret)) === undefined) throw noSuchSecret(secret);
  }
  return listRuns(pool, { ...asked, organization: by.organization });
}

export async function runOf(parts: ApiParts, { params, by }: Call<unknown>): Promise<Row> {
  const run = await findRun(parts.pool, params['run'] ?? '');
  const isTheirs = by.organization === undefined || by.organization === run?.['organization'];
  // Another organization's is missing in the same words: whoever guesses an id learns nothing.
  if (run === undefined || !isTheirs) {
    throw new RotorError('no-such-run', 'there is no such run', {
      kind: 'missing',
      hint: 'rotor list --runs shows them',
    });
  }
  return run;
}

async function showRun(parts: ApiParts, call: Call<unknown>): Promise<RunView> {
  const run = await runOf(parts, call);
  const secretId = String(run['secretId']);
  const runId = String(run['run']);
  const [versions, dependencies, use, findings, tasks, more] = await Promise.all([
    secretVersions(parts.pool, secretId),
    secretDependencies(parts.pool, secretId),
    secretUse(parts.pool, secretId),
    secretFindings(parts.pool, secretId),
    tasksOf(parts.pool, { secretId, runId }),
    runParts(parts.pool, runId),
  ]);
  return ownView({ run, versions, dependencies, use, findings, tasks, ...more });
}

const accepting: ReadonlySet<DecisionKind> = new Set(['accept-outage', 'accept-unseen-use']);

async function decide(parts: ApiParts, call: Call<DecisionBody>): Promise<unknown> {
  const run = await runOf(parts, call);
  const { kind, dependent, reason, confirm, acceptOutage } = call.body;
  if (accepting.has(kind)) {
    demandRight(call.by);
    demandWord(confirm);
  }
  const accepted = acceptOutage === undefined ? undefined : mayBreak(acceptOutage);
  const runId = String(run['run']);
  await parts.decide({ runId, kind, dependent, accepted, reason, by: call.by });
  return { decided: kind };
}
