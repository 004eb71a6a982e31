/** The API process: HTTP for people, programs and, where configured, the authority. */
import { readFileSync } from 'node:fs';
import { Client, Connection } from '@temporalio/client';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { adopt, type Adopted } from '../activities/adopt.js';
import { listedForPlan } from '../activities/make-room.js';
import { refreshUse } from '../activities/use.js';
import { approvalRoutes } from '../api/routes/approvals.js';
import { dependentRoutes } from '../api/routes/dependents.js';
import { incidentRoutes } from '../api/routes/incidents.js';
import { projectRoutes } from '../api/routes/projects.js';
import { discoveryRoutes } from '../api/routes/discovery.js';
import { findingRoutes } from '../api/routes/findings.js';
import { installationRoutes } from '../api/routes/installation.js';
import { reportRoutes } from '../api/routes/reports.js';
import { notificationRoutes } from '../api/routes/notifications.js';
import { recoveryRoutes } from '../api/routes/recovery.js';
import { runRoutes } from '../api/routes/runs.js';
import { scheduleRoutes } from '../api/routes/schedules.js';
import { secretRoutes } from '../api/routes/secrets.js';
import { taskRoutes } from '../api/routes/tasks.js';
import { handOverRoutes } from '../api/hand-over.js';
import { openMetrics } from '../api/metrics.js';
import type { Observation } from '../api/observation.js';
import type { AdoptCall, ApiParts } from '../api/parts.js';
import { buildServer } from '../api/server.js';
import { openRecorderPool } from '../authority/recorder.js';
import { authorityRoutes } from '../authority/routes.js';
import { recoveryRun, startRecovery } from '../client/recovery.js';
import { discoveryRun, startDiscovery } from '../client/discovery.js';
import { startSweep, sweepState } from '../client/sweep.js';
import { type Temporal, startCampaign, startRun, tellRun } from '../client/workflows.js';
import { onceForAll } from '../domain/together.js';
import type { FactsChanged } from '../domain/run.js';
import type { Queryable } from '../infra/postgres.js';
import { beginCampaign, type CampaignCall } from '../infra/registry/campaign-request.js';
import { approveRun, reviewRun } from '../infra/registry/approvals.js';
import { identify } from '../infra/registry/fingerprints.js';
import { noteDiscovery } from '../infra/registry/discovery.js';
import { keptValue } from '../infra/registry/kept-values.js';
import { readFigures } from '../infra/registry/figures.js';
import { recordDecision } from '../infra/registry/decisions.js';
import { retireDependent } from '../infra/registry/dependents.js';
import { endQuarantine } from '../infra/registry/quarantines.js';
import { releaseDependent, withholdDependent } from '../infra/registry/withholdings.js';
import { claimedRun, submit, type RunRequest, type Submitted } from '../infra/registry/requests.js';
import { calendar } from '../infra/calendar.js';
import { clientOptions, usualTemporal } from '../infra/temporal-access.js';
import { openSigner } from '../trail/signing.js';
import { checkParts } from './checks.js';
import { endWithParent, onSignals, runMain } from './child.js';
import { declare } from './declare.js';
import { killPoint } from './kill-point.js';
import { openLog } from './log.js';
import { openParts, type Parts } from './parts.js';
import { openScheduleParts } from './schedule-parts.js';
import { readSettings, type Settings } from './settings.js';
import { openHandOver, openTaskParts, type TaskMeans } from './tasks.js';
import { databaseAway } from './unreachable.js';

interface Place {
  readonly settings: Settings;
  readonly parts: Parts;
  readonly temporal: Temporal;
  readonly connection: Connection;
}

/** Callers wait this long for Temporal; what did not get there is left to the keeper. */
const tellWithinMs = 3_000;

const claimant = `api ${process.pid}`;

/** What must reach a workflow is a row already: that Temporal does not answer is not the caller's concern. */
async function tellSoon({ client }: Temporal, telling: () => Promise<unknown>): Promise<void> {
  await client.withDeadline(Date.now() + tellWithinMs, telling).catch(() => undefined);
}

type Tell = (secretId: string, change: FactsChanged) => Promise<void>;

function tellAll(tell: Tell, ids: readonly string[], change: FactsChanged): Promise<unknown> {
  return Promise.all(ids.map((id) => tell(id, change)));
}

/** What changes facts of secrets also tells the runs that are open there. */
function tellingBy(tell: Tell) {
  return <C extends { readonly by: string }, R extends { readonly touched: readonly string[] }>(
      what: string,
      change: (call: C) => Promise<R>,
    ) =>
    async (call: C): Promise<Omit<R, 'touched'>> => {
      const { touched, ...changed } = await change(call);
      await tellAll(tell, touched, { what, by: call.by });
      return changed;
    };
}

function withholding(
  parts: Pick<Parts, 'pool' | 'audit'>,
  telling: ReturnType<typeof tellingBy>,
): Pick<ApiParts, 'withhold' | 'release' | 'endQuarantine'> {
  return {
    withhold: telling('dependent-withheld', (call) => withholdDependent(parts, call)),
    release: telling('dependent-released', (call) => releaseDependent(parts, call)),
    endQuarantine: telling('dependent-released', (call) => endQuarantine(parts, call)),
  };
}

/** What people decide about a run, and what they approve, is told to it. */
function deciding(
  { pool, audit, issuer }: Parts,
  tell: Tell,
): Pick<ApiParts, 'decide' | 'approve' | 'review'> {
  const parts = { pool, audit, traitsOf: (name: string) => issuer(name).traits };
  return {
    decide: async (decision) => {
      const secretId = await recordDecision(parts, decision);
      await tell(secretId, { what: decision.kind, by: decision.by.name });
    },
    approve: async (call) => {
      const { secretId, ...approved } = await approveRun(parts, call);
      await tell(secretId, { what: 'approved', by: call.by.name });
      return approved;
    },
    review: (call) => reviewRun(parts, call),
  };
}

/** With a value that somebody gives, or with one that was displaced and kept. */
async function adoptKnown(parts: Parts, { kept, ...call }: AdoptCall): Promise<Adopted> {
  const value = kept === undefined ? call.value : await keptValue(parts, { ...call, kept });
  return adopt({ ...parts, reached: killPoint(process.env) }, { ...call, value });
}

/** Asked again, nothing is done again. */
async function openCampaign(
  parts: Pick<Parts, 'pool' | 'audit'>,
  temporal: Temporal,
  call: CampaignCall,
): Promise<string> {
  const id = await beginCampaign(parts, call);
  const about = `${call.kind}, started by ${call.by}`;
  await tellSoon(temporal, () => startCampaign(temporal, id, about));
  return id;
}

async function requestRun(
  { parts: { pool, audit }, temporal }: Place,
  request: RunRequest,
): Promise<Submitted> {
  const submitted = await submit({ pool, audit }, request, claimant);
  killPoint(process.env)('request:stored');
  const run = await claimedRun(pool, submitted.runId, claimant);
  if (run !== undefined) await tellSoon(temporal, () => startRun(temporal, run));
  return submitted;
}

function apiParts(place: Place): ApiParts {
  const { settings, parts, temporal, connection } = place;
  const { pool, audit, registry, keys } = parts;
  const schedules = openScheduleParts({ pool, audit, temporal, calendar, identity: claimant });
  const tell: Tell = (id, change) => tellSoon(temporal, () => tellRun(temporal, id, change));
  const telling = tellingBy(tell);
  return {
    pool,
    registry,
    audit,
    signer: () => openSigner(keys.derive('audit-signing')),
    notificationRoutes: parts.routes.map(({ name }) => name),
    request: (request) => requestRun(place, request),
    ...deciding(parts, tell),
    startCampaign: (call) => openCampaign({ pool, audit }, temporal, call),
    adopt: (call) => adoptKnown(parts, call),
    declare: async (call) => {
      const applied = await declare(settings, parts, call);
      if (!call.dryRun) await tellAll(tell, applied.touched, { what: 'declared', by: call.by });
      if (!call.dryRun) await schedules.follow();
      return applied;
    },
    retireDependent: telling('dependent-retired', (call) => retireDependent({ pool, audit }, call)),
    ...withholding({ pool, audit }, telling),
    refresh: (facts) => refreshUse({ ...parts, tell }, facts),
    listed: (facts) => listedForPlan(parts, facts),
    identify: (value, organization) =>
      identify({ ...parts, key: keys.derive('identify') }, value, organization),
    schedules,
    tasks: openTaskParts(taskMeans({ settings, parts, temporal, connection })),
    ...checking({ settings, parts, connection }),
    ...sweeping(temporal),
    discovery: discovering(parts, temporal),
    recovery: {
      start: (order) => startRecovery(temporal, order),
      run: () => recoveryRun(temporal),
    },
  };
}

/** However many ask: one reads the trail at a time, for all of them. */
function checking(
  place: Pick<Place, 'settings' | 'parts' | 'connection'>,
): Pick<ApiParts, 'checks' | 'verifyAudit'> {
  const { audit, pool } = place.parts;
  const verifyAudit = onceForAll(() => audit.verify(pool));
  return {
    verifyAudit,
    checks: ({ audit: withAudit }) =>
      checkParts({ ...place, verifyAudit: withAudit ? verifyAudit : undefined }),
  };
}

function sweeping(temporal: Temporal): Pick<ApiParts, 'startSweep' | 'sweepState'> {
  return { startSweep: () => startSweep(temporal), sweepState: () => sweepState(temporal) };
}

function discovering(parts: Parts, temporal: Temporal): ApiParts['discovery'] {
  return {
    start: async ({ secretId, by, ...order }) => {
      await noteDiscovery(parts, { secretId, by });
      return startDiscovery(temporal, secretId, order);
    },
    run: (secretId) => discoveryRun(temporal, secretId),
  };
}

function taskMeans({ settings, parts, temporal }: Place): TaskMeans {
  return {
    parts,
    publicUrl: settings.configuration.api.publicUrl,
    tell: (id, change) => tellSoon(temporal, () => tellRun(temporal, id, change)),
    reached: killPoint(process.env),
  };
}

function mountedAuthority({ settings, parts }: Place): FastifyPluginAsync[] {
  const { authority } = settings.configuration.api;
  if (authority === undefined || settings.databaseUrl === undefined) return [];
  const routes = authorityRoutes({
    pool: parts.pool,
    recorderPool: openRecorderPool(settings.databaseUrl.reveal()),
    hashKey: parts.keys.derive('authority'),
    adminToken: readFileSync(authority.adminTokenFile, 'utf8').trim(),
  });
  return [routes as unknown as FastifyPluginAsync];
}

/** Nobody is authenticated without the database; so the refusal has to say what is away. */
function askOrSay(pool: Parts['pool']): Queryable['query'] {
  const ask = (text: string, values?: unknown[]): Promise<unknown> =>
    pool.query(text, values).catch((error: unknown) => {
      throw databaseAway(error);
    });
  return ask as unknown as Queryable['query'];
}

const allRoutes = [
  secretRoutes,
  runRoutes,
  findingRoutes,
  discoveryRoutes,
  reportRoutes,
  approvalRoutes,
  incidentRoutes,
  projectRoutes,
  scheduleRoutes,
  dependentRoutes,
  taskRoutes,
  notificationRoutes,
  recoveryRoutes,
  installationRoutes,
];

function observationOf({ settings, parts, connection }: Place): Observation {
  const { metrics } = settings.configuration.api;
  const { pool } = parts;
  return {
    metrics: openMetrics((organization) => readFigures(pool, organization, metrics.mostSecrets)),
    publicMetrics: metrics.public,
    parts: {
      database: () => pool.query('select 1'),
      temporal: () =>
        connection.withDeadline(Date.now() + tellWithinMs, () =>
          connection.workflowService.getSystemInfo({}),
        ),
    },
  };
}

async function listen(place: Place): Promise<FastifyInstance> {
  const log = openLog('api');
  const { host, port, tls, behindTlsProxy } = place.settings.configuration.api;
  const parts = apiParts(place);
  const server = await buildServer({
    db: { query: askOrSay(place.parts.pool) },
    routes: allRoutes.flatMap((routes) => routes(parts)),
    observation: observationOf(place),
    mounted: [
      ...mountedAuthority(place),
      handOverRoutes(openHandOver(taskMeans(place))) as unknown as FastifyPluginAsync,
    ],
    behindProxy: behindTlsProxy,
    https:
      tls === undefined
        ? undefined
        : { cert: readFileSync(tls.certificateFile), key: readFileSync(tls.keyFile) },
    warn: (message, about) => log.warn(about, message),
  });
  const address = await server.listen({ host, port });
  log.info({ address }, 'api is ready');
  return server;
}

await runMain(async () => {
  const settings = readSettings(process.env);
  const parts = await openParts(settings);
  const access = settings.temporal ?? usualTemporal;
  // Connects when it is needed: where Temporal cannot be used, rotor doctor says why.
  const connection = Connection.lazy(clientOptions(access));
  const client = new Client({ connection, namespace: settings.namespace });
  const temporal: Temporal = { client, taskQueue: settings.taskQueue };
  const server = await listen({ settings, parts, temporal, connection });
  await new Promise<void>((resolve) => {
    onSignals(resolve);
    endWithParent(resolve);
  });
  await server.close();
});
