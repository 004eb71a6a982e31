import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { IAM } from '@aws-sdk/client-iam';
import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { awsSecretsManager } from '../../connectors/aws-secrets-manager/index.js';
import type { Connector, Delivery, Destination } from '../../domain/connector.js';
import { holdToConnectorContract } from '../contracts/hold-to-connector.js';
import { inFrontOf, openFront, type Answer, type Front } from '../issuers/aws-answers.js';
import { removeUser } from '../issuers/aws-subject.js';
import { target, targetPatience } from '../targets/client.js';
import type { AddressOf } from '../targets/index.js';
import { readCredential } from '../targets/serving.js';
import { deliveryOf, destinationAt } from './places.js';

let moto: AddressOf<'moto'>;
let admin: SecretsManager;
let folder: string;
beforeAll(async () => {
  moto = await target('moto');
  folder = mkdtempSync(join(tmpdir(), 'rotor-aws-secrets-'));
  admin = new SecretsManager(asAdmin());
}, targetPatience);
afterAll(() => {
  admin.destroy();
  rmSync(folder, { recursive: true });
});

function asAdmin() {
  return {
    region: moto.region,
    endpoint: moto.url,
    credentials: {
      accessKeyId: readCredential(moto.accessKeyIdFile),
      secretAccessKey: readCredential(moto.secretAccessKeyFile),
    },
  };
}

function open(more: object = {}): Connector {
  const { region, url: endpoint, accessKeyIdFile, secretAccessKeyFile } = moto;
  const options = { region, endpoint, accessKeyIdFile, secretAccessKeyFile, ...more };
  return awsSecretsManager.open(awsSecretsManager.options.parse(options));
}

const nameOf = ({ address }: Destination): string => String(address['secret']);

async function place(): Promise<Destination> {
  const secret = `app/${randomUUID()}`;
  await admin.createSecret({ Name: secret });
  return destinationAt({ secret });
}

async function plant(destination: Destination, text: string): Promise<void> {
  await admin.putSecretValue({ SecretId: nameOf(destination), SecretString: text });
}

holdToConnectorContract('aws-secrets-manager', () =>
  Promise.resolve({
    connector: open(),
    place,
    absent: () => Promise.resolve(destinationAt({ secret: `missing/${randomUUID()}` })),
    plant,
    close: () => Promise.resolve(),
  }),
);

describe('aws-secrets-manager', () => {
  let destination: Destination;
  let fronts: Front[];
  beforeEach(async () => {
    destination = await place();
    fronts = [];
  });
  afterEach(async () => {
    for (const front of fronts) await front.close();
  });

  async function behind(answer: Answer): Promise<{ front: Front; connector: Connector }> {
    const front = await openFront(answer);
    fronts.push(front);
    return { front, connector: open({ endpoint: front.url }) };
  }

  async function stages(): Promise<Record<string, string[]>> {
    const SecretId = nameOf(destination);
    const { VersionIdsToStages: all = {} } = await admin.describeSecret({ SecretId });
    const staged = Object.entries(all).filter(([, names]) => names.length > 0);
    return Object.fromEntries(staged.map(([id, names]) => [id, [...names].sort()]));
  }

  /** As a program reads it. */
  async function inUse(): Promise<string | undefined> {
    return (await admin.getSecretValue({ SecretId: nameOf(destination) })).SecretString;
  }

  function deliveries(...texts: string[]): Delivery[] {
    const all = texts.map((text) => deliveryOf(destination, text));
    const known = all.map(({ version }) => version);
    return all.map((one) => ({ ...one, known }));
  }

  const isAbout = (words: string) => (incoming: { headers: NodeJS.Dict<string | string[]> }) =>
    String(incoming.headers['x-amz-target']).endsWith(words);

  test('the old value stays as AWSPREVIOUS until it is forgotten; ids are those of the versions', async () => {
    const connector = open();
    const [old, young] = deliveries('old', 'young') as [Delivery, Delivery];
    await connector.deliver(old);
    await connector.deliver(young);
    expect(await stages()).toEqual({
      [old.version.versionId]: ['AWSPREVIOUS'],
      [young.version.versionId]: ['AWSCURRENT', 'AWSPENDING'],
    });
    expect(await inUse()).toBe('young');
    await connector.forget(old);
    expect(Object.keys(await stages())).toEqual([young.version.versionId]);
  });

  test('what died between the two steps is held second, and goes on without a second write', async () => {
    const [old, young] = deliveries('old', 'young') as [Delivery, Delivery];
    await open().deliver(old);
    const refusesMoves: Answer = (incoming, response, body) => {
      if (isAbout('UpdateSecretVersionStage')(incoming)) response.destroy();
      else inFrontOf(moto.url, () => false)(incoming, response, body);
    };
    const { connector } = await behind(refusesMoves);
    await expect(connector.deliver(young)).rejects.toMatchObject({ code: 'unreachable' });
    expect(await inUse()).toBe('old');
    const ids = [old.version.versionId, young.version.versionId];
    expect((await open().held(destination, young.known)).versionIds).toEqual(ids);
    const again = await behind(inFrontOf(moto.url, () => false));
    await again.connector.deliver(young);
    expect(again.front.asked.some((body) => body.includes('SecretString'))).toBe(false);
    expect(await inUse()).toBe('young');
  });

  test('a move whose answer was lost is found done', async () => {
    const [old, young] = deliveries('old', 'young') as [Delivery, Delivery];
    await open().deliver(old);
    const { connector } = await behind(
      inFrontOf(moto.url, (body) => body.includes('MoveToVersionId')),
    );
    await expect(connector.deliver(young)).rejects.toMatchObject({ code: 'unreachable' });
    await open().deliver(young);
    expect((await open().held(destination, young.known)).versionIds).toEqual([
      young.version.versionId,
      old.version.versionId,
    ]);
  });

  test('somebody else who writes meanwhile is not overwritten, and has their value kept afterwards', async () => {
    const [old, young, next] = deliveries('old', 'young', 'next') as [Delivery, Delivery, Delivery];
    await open().deliver(old);
    let isFirst = true;
    const { connector } = await behind((incoming, response, body) => {
      const pass = () => inFrontOf(moto.url, () => false)(incoming, response, body);
      if (!isAbout('UpdateSecretVersionStage')(incoming) || !isFirst) return pass();
      isFirst = false;
      void plant(destination, 'of-somebody-else').then(pass);
    });
    await expect(connector.deliver(young)).rejects.toMatchObject({ code: 'changed-meanwhile' });
    expect(await inUse()).toBe('of-somebody-else');
    await connector.deliver(young);
    await connector.deliver(next);
    expect(await inUse()).toBe('next');
    const { versionIds, unknown } = await connector.held(destination, next.known);
    expect(versionIds.slice(0, 2)).toEqual([next.version.versionId, young.version.versionId]);
    expect(unknown.map((value) => value.reveal())).toEqual(['of-somebody-else']);
  });

  test("somebody else's AWSPENDING is told, and kept when it loses its stage", async () => {
    const [one] = deliveries('one') as [Delivery];
    await plant(destination, 'in-use');
    await admin.putSecretValue({
      SecretId: nameOf(destination),
      SecretString: 'half-way',
      VersionStages: ['AWSPENDING'],
    });
    const connector = open();
    const texts = async () =>
      (await connector.held(destination, one.known)).unknown.map((value) => value.reveal());
    expect(await texts()).toEqual(['in-use', 'half-way']);
    await connector.deliver(one);
    expect(await inUse()).toBe('one');
    expect(await texts()).toEqual(['in-use', 'half-way']);
  });

  test('what was withdrawn leaves no value, and no stage of its own', async () => {
    const [old, young] = deliveries('old', 'young') as [Delivery, Delivery];
    const connector = open();
    await connector.deliver(old);
    await connector.deliver(young);
    await connector.withdraw(young);
    expect(await inUse()).toBe('{}');
    expect((await connector.held(destination, young.known)).versionIds).toEqual([]);
  });

  test('going back to a version that lost its stages needs no other id', async () => {
    const [old, young] = deliveries('old', 'young') as [Delivery, Delivery];
    const connector = open();
    for (const one of [old, young]) await connector.deliver(one);
    await connector.forget(old);
    await connector.deliver(old);
    expect((await stages())[old.version.versionId]).toContain('AWSCURRENT');
    expect(await inUse()).toBe('old');
  });

  test('another value under the id of a version is refused, and nothing is overwritten', async () => {
    const [one] = deliveries('never-told') as [Delivery];
    await admin.putSecretValue({
      SecretId: nameOf(destination),
      ClientRequestToken: one.version.versionId,
      SecretString: 'other',
    });
    await expect(open().deliver(one)).rejects.toMatchObject({ code: 'refused' });
    expect(await inUse()).toBe('other');
  });

  test.each(['{}', '', 'x'.repeat(65_537)])(
    'a value that AWS cannot hold is refused',
    async (text) => {
      const [one] = deliveries(text) as [Delivery];
      await expect(open().deliver(one)).rejects.toMatchObject({ code: 'refused' });
      expect(await stages()).toEqual({});
    },
  );

  test('bytes are no value, and a secret that is about to be deleted takes none', async () => {
    const [one] = deliveries('one') as [Delivery];
    const SecretId = nameOf(destination);
    await admin.putSecretValue({ SecretId, SecretBinary: Buffer.from('bytes') });
    await expect(open().deliver(one)).rejects.toMatchObject({ code: 'invalid-destination' });
    const other = await place();
    await open().deliver(deliveryOf(other, 'x'));
    await admin.deleteSecret({ SecretId: nameOf(other) });
    await expect(open().deliver(deliveryOf(other, 'one'))).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('about to be deleted'),
    });
  });

  test('of a right that is missing the action is named', async () => {
    const iam = new IAM(asAdmin());
    const UserName = `weak-${randomUUID()}`;
    await iam.createUser({ UserName });
    const { AccessKey: key } = await iam.createAccessKey({ UserName });
    const accessKeyIdFile = join(folder, 'weak-id');
    const secretAccessKeyFile = join(folder, 'weak-secret');
    writeFileSync(accessKeyIdFile, key?.AccessKeyId ?? '', { mode: 0o600 });
    writeFileSync(secretAccessKeyFile, key?.SecretAccessKey ?? '', { mode: 0o600 });
    const connector = open({ accessKeyIdFile, secretAccessKeyFile });
    await expect(connector.held(destination, [])).rejects.toMatchObject({
      code: 'not-permitted',
      message: expect.stringContaining('secretsmanager:DescribeSecret'),
    });
    await removeUser(iam, UserName);
    iam.destroy();
  });

  test.each([
    [400, 'ThrottlingException', 'busy'],
    [400, 'ResourceNotFoundException', 'not-found'],
    [400, 'DecryptionFailure', 'not-permitted'],
    [400, 'LimitExceededException', 'refused'],
    [500, 'InternalServiceError', 'unreachable'],
  ])('AWS answers %i %s: %s, and nothing of its words is told', async (status, type, code) => {
    const { connector } = await behind((_, response) => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify({ __type: type, message: 'never-told', Message: 'never-told' }));
    });
    const reason: unknown = await connector
      .deliver(deliveryOf(destination, 'never-told'))
      .catch((error: unknown) => error);
    expect(reason).toMatchObject({ name: 'AdapterError', code });
    expect(inspect(reason, { depth: 9, showHidden: true })).not.toContain('never-told');
  });

  test('stops when it is told to', async () => {
    const { connector } = await behind(() => undefined);
    const signal = AbortSignal.timeout(50);
    const delivery = { ...deliveryOf(destination, 'value'), signal };
    await expect(connector.deliver(delivery)).rejects.toMatchObject({ code: 'timed-out' });
  });

  test.each(['', 'arn:aws:secretsmanager:eu-central-1:1:secret:x', 'with space'])(
    '%j is no name of a secret',
    (secret) => {
      expect(awsSecretsManager.address.safeParse({ secret }).success).toBe(false);
    },
  );
});
