/** One secret at a test issuer, older than rotor, in the files of two dependents; carried out by worker processes. */
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { adopt } from '../../activities/adopt.js';
import { startRun } from '../../client/workflows.js';
import type { IssuerTraits } from '../../domain/issuer.js';
import { secretWorkflowId, type RunKind } from '../../domain/run.js';
import { SecretValue } from '../../domain/secret-value.js';
import { claimedRun, submit } from '../../infra/registry/requests.js';
import { declare } from '../../workers/declare.js';
import { readSettings } from '../../workers/settings.js';
import { sharedTemporal } from '../harness/temporal.js';
import { testIssuer } from '../issuers/test-issuer.js';
import { openInstallation, quick, type Row } from './installation.js';
import { partsWithIssuer } from './parts-with-issuer.js';
import { serveIssuer } from './served-issuer.js';

const dependents = ['billing', 'reports'];
const named = { organization: 'acme', secret: 'api' };

export type SecretOfIssuer = Awaited<ReturnType<typeof openSecretOfIssuer>>;

export async function openSecretOfIssuer(traits: Partial<IssuerTraits>) {
  const installation = await openInstallation();
  const settings = readSettings(installation.environment);
  let installationId = '';
  const issuer = testIssuer(() => installationId, { traits });
  const parts = await partsWithIssuer(settings, issuer);
  installationId = parts.installationId;
  const served = await serveIssuer(issuer);
  const files = dependents.map((name) => join(installation.folder, `${name}.env`));
  const oldValue = `old-${randomUUID()}`;
  for (const file of files) writeFileSync(file, `SECRET=${oldValue}\n`);
  await declare(settings, parts, {
    documents: [declaration(files)],
    dryRun: false,
    mayLoosen: false,
    by: 'test',
    organization: undefined,
  });
  const credentialId = issuer.adopted(oldValue);
  const value = new SecretValue(oldValue);
  await adopt(
    { ...parts, reached: () => undefined },
    { ...named, credentialId, value, by: 'test' },
  );
  const connection = await Connection.connect({ address: sharedTemporal().address });
  const client = new Client({ connection, namespace: settings.namespace });
  const temporal = { client, taskQueue: settings.taskQueue };
  const rows = async (text: string): Promise<Row[]> => (await parts.pool.query<Row>(text)).rows;
  return {
    installation,
    issuer,
    parts,
    oldValue,
    rows,
    ended: () => served.ended(),
    held: () => files.map((file) => /=(.*)/.exec(readFileSync(file, 'utf8'))?.[1] ?? ''),
    start: () => installation.start('worker-with-issuer', { ROTOR_TEST_ISSUER: served.url }),
    async ask(kind: RunKind): Promise<string> {
      const acceptedOutage = { by: 'test', reason: 'test', dependents, sources: [] };
      const request = {
        ...named,
        kind,
        requestedBy: 'test',
        reason: 'test',
        options: { acceptedOutage },
        idempotencyKey: randomUUID(),
      };
      const { runId } = await submit(parts, request, 'test');
      const run = await claimedRun(parts.pool, runId, 'test');
      if (run !== undefined) await startRun(temporal, run);
      return runId;
    },
    async workflowStatus(): Promise<string> {
      const [secret] = await rows('select id from rotor.secrets');
      const handle = client.workflow.getHandle(secretWorkflowId(String(secret?.['id'])));
      return (await handle.describe()).status.name;
    },
    async close() {
      await connection.close();
      await parts.pool.end();
      await installation.close();
      await served.close();
    },
  };
}

function declaration(files: readonly string[]) {
  return {
    organization: 'acme',
    policies: [{ ...quick, leastEvidence: 'read-back' }],
    dependents: dependents.map((name) => ({ name, owner: 'team' })),
    secrets: [
      {
        name: 'api',
        issuer: 'main',
        owner: 'team',
        policy: quick.name,
        specification: { role: 'Viewer' },
        dependencies: dependents.map((dependent, index) => ({
          dependent,
          connector: 'dotenv',
          destination: { file: files[index], variable: 'SECRET' },
        })),
      },
    ],
  };
}
