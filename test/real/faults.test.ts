import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { parse } from 'dotenv';
import { secretWorkflowId } from '../../domain/run.js';
import {
  eventually,
  openInstallation,
  type Installation,
  type Row,
} from '../faults/installation.js';
import { sharedTemporal } from '../harness/temporal.js';
import { inFrontOf, openFront, saying, type Front } from '../issuers/aws-answers.js';
import { prepareAws, type PreparedAws } from '../issuers/aws-subject.js';
import { prepareBao, type PreparedBao } from '../issuers/openbao-subject.js';
import { ownTarget, target, targetPatience, type OwnTarget } from '../targets/client.js';
import { readCredential } from '../targets/serving.js';

const planted = 'planted-in-an-answer';

let server: OwnTarget<'openbao'>;
let bao: PreparedBao;
let aws: PreparedAws;
let front: Front;
/** So many mints at AWS are asked to come back later. */
let throttled = 0;
let installation: Installation;
let tokenFile: string;

beforeAll(async () => {
  server = await ownTarget('openbao');
  bao = await prepareBao(server.address, 'sampled');
  aws = await prepareAws(await target('moto'));
  const passOn = inFrontOf(String((aws.options as Row)['endpoint']), () => false);
  const busy = saying({ status: 400, code: 'Throttling' }, planted);
  front = await openFront((request, response, body) => {
    const isMint = body.includes('Action=CreateAccessKey');
    if (!isMint || throttled === 0) return passOn(request, response, body);
    throttled -= 1;
    return busy(request, response, body);
  });
  installation = await openInstallation((_, folder) => {
    tokenFile = join(folder, 'bao-token');
    const { url } = server.address;
    const quick = { useLag: '0', propagation: '0' };
    return {
      vault: { kind: 'openbao-approle', url, tokenFile, userLockout: false },
      cloud: { kind: 'aws-iam-access-key', ...quick, ...aws.options, endpoint: front.url },
    };
  });
  await giveToken();
  for (const name of ['vault', 'cloud'])
    writeFileSync(join(installation.folder, `${name}.env`), 'VALUE=\n');
  installation.start('api');
  installation.start('worker');
  await installation.ready();
  await declare('0');
}, targetPatience);
afterAll(async () => {
  await installation.close();
  await front.close();
  await aws.close();
  await server.stop();
});

/** As an operator does who renews it. */
async function giveToken(): Promise<void> {
  const { body } = await bao.ask('POST', 'auth/token/create', { policies: ['root'] });
  writeFileSync(tokenFile, body.auth?.client_token ?? '', { mode: 0o600 });
}

async function declare(overlap: string): Promise<void> {
  const secret = (name: string, specification: object): object => {
    const file = join(installation.folder, `${name}.env`);
    const destination = { file, variable: 'VALUE' };
    const dependency = { dependent: 'app', connector: 'dotenv', destination, picksUpWithin: '0' };
    const dependencies = [dependency];
    return { name, issuer: name, owner: 'team', policy: 'quick', specification, dependencies };
  };
  const policy = {
    ...{ name: 'quick', overlap, quietPeriod: '0', disablePeriod: '0', monitorPeriod: '1m' },
    ...{ leastEvidence: 'read-back', openUse: { wait: '0', then: 'end' } },
    acceptUnseenUse: { by: 'test', reason: 'nobody else is there' },
  };
  const specifications = { vault: { role: bao.role }, cloud: { userName: aws.user } };
  await installation.apply({
    organization: 'acme',
    policies: [policy],
    dependents: [{ name: 'app', owner: 'team' }],
    secrets: Object.entries(specifications).map(([name, about]) => secret(name, about)),
  });
}

async function rotate(name: string): Promise<string> {
  const path = `/v1/secrets/acme/${name}/runs`;
  const asked = { kind: 'rotate', reason: 'test' };
  return (await installation.api.post<{ runId: string }>(path, asked)).runId;
}

const run = async (runId: string): Promise<Row> =>
  (await installation.api.get<{ run: Row }>(`/v1/runs/${runId}`)).run;

async function succeeds(runId: string): Promise<void> {
  await eventually(async () => (await run(runId))['state'] === 'ended').catch(async () => {
    throw new Error(`it does not end: ${JSON.stringify(await run(runId))}`);
  });
  expect(await run(runId)).toMatchObject({ outcome: 'succeeded' });
}

function isTold({ waitsCode, waitsTold }: Row, text: string): boolean {
  return waitsCode !== null && String(waitsTold).includes(text);
}

async function versions(name: string): Promise<string[]> {
  const path = `/v1/secrets/acme/${name}`;
  const { versions: rows } = await installation.api.get<{ versions: Row[] }>(path);
  return rows.map(({ version, state }) => `${String(version)} ${String(state)}`);
}

const held = (name: string): string =>
  parse(readFileSync(join(installation.folder, `${name}.env`), 'utf8'))['VALUE'] ?? '';

/** All that Temporal has of the secret's last run. */
async function historyOf(name: string): Promise<string> {
  const { secretId } = await installation.api.get<{ secretId: string }>(`/v1/secrets/acme/${name}`);
  const { address, namespace } = sharedTemporal();
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  const history = await client.workflow.getHandle(secretWorkflowId(secretId)).fetchHistory();
  await connection.close();
  const whole = JSON.stringify(history, (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value,
  );
  return whole;
}

test('AWS that asks to come back later is asked again, and there is no key too many', async () => {
  throttled = 2;
  await succeeds(await rotate('cloud'));
  const mints = front.asked.filter((body) => body.includes('Action=CreateAccessKey'));
  expect(mints).toHaveLength(3);
  const { AccessKeyMetadata: keys } = await aws.admin.listAccessKeys({ UserName: aws.user });
  expect(keys).toHaveLength(1);
  expect(await versions('cloud')).toEqual(['v1 active']);
  const history = await historyOf('cloud');
  expect(history).toContain('AWS asks to come back later');
  expect([history, installation.log('worker')].join()).not.toContain(planted);
});

test('a token of rotor that ends in the middle of a run: the run says so, and goes on by itself once the file holds a new one', async () => {
  await succeeds(await rotate('vault'));
  const old = held('vault');
  await declare('1h');
  const runId = await rotate('vault');
  await eventually(async () => (await run(runId))['waitsCode'] !== null && held('vault') !== old);
  await bao.ask('POST', 'auth/token/revoke', { token: readCredential(tokenFile) });
  await declare('0');
  await eventually(async () => isTold(await run(runId), "rotor's token is not valid"));
  expect(await versions('vault')).toEqual(['v1 retiring', 'v2 active']);
  await giveToken();
  await succeeds(runId);
  expect(await versions('vault')).toEqual(['v1 revoked', 'v2 active']);
  expect([await bao.use(old, ''), await bao.use(held('vault'), '')]).toEqual([false, true]);
});

test('OpenBao that is sealed: the run says so, goes on by itself when it is open again, and makes one secret-id', async () => {
  const { url, tokenFile: root } = server.address;
  const before = held('vault');
  await bao.ask('POST', 'sys/seal');
  const runId = await rotate('vault');
  await eventually(async () => isTold(await run(runId), 'OpenBao is sealed'));
  expect(await run(runId)).toMatchObject({ state: 'running' });
  expect(held('vault')).toBe(before);
  const key = readCredential(join(dirname(root), 'unseal-key'));
  const body = JSON.stringify({ key });
  expect((await fetch(`${url}/v1/sys/unseal`, { method: 'POST', body })).ok).toBe(true);
  await succeeds(runId);
  const { body: listed } = await bao.ask('LIST', `auth/approle/role/${bao.role}/secret-id`);
  expect(listed.data?.['keys']).toHaveLength(1);
});

test('what somebody ended outside of rotor is found by the sweep, and has ended', async () => {
  await bao.ask('POST', `auth/approle/role/${bao.role}/secret-id/destroy`, {
    secret_id: held('vault'),
  });
  const findings = async (): Promise<Row[]> => installation.api.get<Row[]>('/v1/findings');
  const codes = async (): Promise<unknown[]> => (await findings()).map(({ code }) => code);
  expect(await codes()).not.toContain('ended-elsewhere');
  await installation.api.post('/v1/sweep', {});
  await eventually(async () => (await codes()).includes('ended-elsewhere'));
  expect((await versions('vault')).at(-1)).toBe('v3 ended');
  expect(await versions('cloud')).toEqual(['v1 active']);
});
