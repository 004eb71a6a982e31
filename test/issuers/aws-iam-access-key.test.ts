import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Issuer } from '../../domain/issuer.js';
import { SecretValue } from '../../domain/secret-value.js';
import { awsIamAccessKey, traitsOf } from '../../issuers/aws-iam-access-key/index.js';
import { describeIssuer } from '../contracts/hold-to-issuer.js';
import { accepts, codeOf, day, listed, make, usesOf } from '../../conformance/subject.js';
import { target, targetPatience } from '../targets/client.js';
import type { AddressOf } from '../targets/index.js';
import { inFrontOf, openFront, saying, type Answer, type Front } from './aws-answers.js';
import { openAws, prepareAws, removeUser, type PreparedAws } from './aws-subject.js';

let moto: AddressOf<'moto'>;
let folder: string;
beforeAll(async () => {
  moto = await target('moto');
  folder = mkdtempSync(join(tmpdir(), 'rotor-aws-'));
}, targetPatience);
afterAll(() => rmSync(folder, { recursive: true }));

describeIssuer({ name: 'aws-iam-access-key', traits: traitsOf(10_000) }, () => prepareAws(moto));

describe('aws-iam-access-key', () => {
  let subject: PreparedAws;
  let fronts: Front[];
  beforeEach(async () => {
    subject = await prepareAws(moto);
    fronts = [];
  });
  afterEach(async () => {
    for (const front of fronts) await front.close();
    await subject.close();
  });

  function open(options: object): Issuer {
    return openAws({ ...subject.options, ...options }, subject.installation);
  }

  async function behind(answer: Answer): Promise<{ front: Front; issuer: Issuer }> {
    const front = await openFront(answer);
    fronts.push(front);
    return { front, issuer: open({ endpoint: front.url }) };
  }

  const reasonOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      (reason: unknown) => reason,
    );

  test('the value is what AWS calls the output of a credential process', async () => {
    const made = await make(subject);
    expect(JSON.parse(made.value.reveal())).toEqual({
      Version: 1,
      AccessKeyId: made.credentialId,
      SecretAccessKey: expect.stringMatching(/^\S{40}$/),
    });
  });

  test('a third key is refused, whoever made the two, and it is said what to do', async () => {
    const made = await make(subject);
    await subject.plant();
    await expect(make(subject)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/two access keys already: revoke .* or delete/),
    });
    await subject.issuer.revoke(made);
    expect(await accepts(subject, await make(subject))).toBe(true);
  });

  test('an inactive key is refused and listed as such, and comes back', async () => {
    const { issuer } = subject;
    const made = await make(subject);
    await issuer.disable?.(made, new Date());
    expect(await subject.use(made.value.reveal(), 'app')).toBe(false);
    expect(await listed(subject, made)).toMatchObject({ disabled: true });
    await issuer.enable?.(made);
    expect(await subject.use(made.value.reveal(), 'app')).toBe(true);
    expect(await listed(subject, made)).toMatchObject({ disabled: false });
    const gone = { ...made, credentialId: 'AKIAXXXXXXXXXXXXXXXX' };
    expect(await codeOf(issuer.disable?.(gone, new Date()) ?? Promise.resolve())).toBe('not-found');
    await issuer.enable?.(gone);
  });

  test('the last use moves with each use of the key, and not with the use of another', async () => {
    const [one, other] = [await make(subject), await make(subject)];
    expect(await usesOf(subject, one)).toEqual([]);
    const lastOf = async (made: typeof one) => (await usesOf(subject, made))[0]?.lastAt.getTime();
    await subject.use(one.value.reveal(), 'app');
    const first = await lastOf(one);
    expect(Math.abs((first ?? 0) - Date.now())).toBeLessThan(60_000);
    await pause(1_100);
    await subject.use(other.value.reveal(), 'app');
    expect(await lastOf(one)).toBe(first);
    await subject.use(one.value.reveal(), 'app');
    expect(await lastOf(one)).toBeGreaterThan(first ?? Number.NaN);
    expect(await lastOf(other)).toBeDefined();
  });

  test('a note that comes late is told again, and the record says how late one may be', async () => {
    const made = await make(subject);
    await subject.use(made.value.reveal(), 'app');
    const since = new Date(Date.now() + 4 * 3_600_000);
    const late = await subject.issuer.observedUse?.(subject.secret, since);
    expect(late).toMatchObject({
      kind: 'last-used',
      resolutionMs: 15_300_000,
      uses: [{ credentialId: made.credentialId, source: {}, outcome: 'accepted' }],
    });
    const issuer = open({ useLag: '0' });
    expect(await issuer.observedUse?.(subject.secret, since)).toMatchObject({ uses: [] });
  });

  test('a mint whose answer was lost made one key, found by the ids before and after', async () => {
    const { front, issuer } = await behind(
      inFrontOf(moto.url, (body) => body.includes('Action=CreateAccessKey')),
    );
    await make(subject);
    const before = await issuer.list(subject.secret);
    expect(await codeOf(make({ ...subject, issuer }))).toBe('unreachable');
    expect(front.asked.filter((body) => body.includes('CreateAccessKey'))).toHaveLength(1);
    const known = before.map(({ credentialId }) => credentialId);
    const after = await issuer.list(subject.secret);
    expect(after.filter(({ credentialId }) => !known.includes(credentialId))).toHaveLength(1);
  });

  test('of a right that is missing the action is named', async () => {
    const { admin, user } = subject;
    const weak = `weak-${randomUUID()}`;
    await admin.createUser({ UserName: weak });
    const { AccessKey: key } = await admin.createAccessKey({ UserName: weak });
    const accessKeyIdFile = join(folder, 'weak-id');
    const secretAccessKeyFile = join(folder, 'weak-secret');
    writeFileSync(accessKeyIdFile, key?.AccessKeyId ?? '', { mode: 0o600 });
    writeFileSync(secretAccessKeyFile, key?.SecretAccessKey ?? '', { mode: 0o600 });
    const issuer = open({ accessKeyIdFile, secretAccessKeyFile });
    const made = await make(subject);
    const asked = {
      'iam:CreateAccessKey': () => make({ ...subject, issuer }),
      'iam:ListAccessKeys': () => issuer.list(subject.secret),
      'iam:DeleteAccessKey': () => issuer.revoke(made),
      'iam:UpdateAccessKey': () => issuer.disable?.(made, new Date()),
    };
    for (const [action, work] of Object.entries(asked)) {
      const message = `rotor may not do ${action} on user ${user}: its policy has to allow it`;
      await expect(work()).rejects.toMatchObject({ code: 'not-permitted', message });
    }
    // The same files, another key in them.
    writeFileSync(secretAccessKeyFile, 'not-the-secret', { mode: 0o600 });
    await expect(issuer.list(subject.secret)).rejects.toMatchObject({
      code: 'not-permitted',
      message: "AWS refuses rotor's own credentials",
    });
    await removeUser(admin, weak);
    expect(await accepts(subject, made)).toBe(true);
  });

  test('a user that somebody deleted is told, and its keys count as gone', async () => {
    const made = await make(subject);
    await removeUser(subject.admin, subject.user);
    for (const work of [() => make(subject), () => subject.issuer.list(subject.secret)])
      await expect(work()).rejects.toMatchObject({
        code: 'not-found',
        message: expect.stringContaining(`there is no IAM user ${subject.user}`),
      });
    expect(await accepts(subject, made)).toBe(false);
    await subject.issuer.revoke(made);
  });

  test('a key of another user, as after a renaming, is neither gone nor refused: it is not ours', async () => {
    const made = await make(subject);
    const other = await prepareAws(moto);
    const mistaken = { ...made, secret: other.secret };
    expect(await codeOf(subject.issuer.revoke(mistaken))).toBe('not-ours');
    expect(await codeOf(subject.issuer.verify(mistaken, made.value, randomUUID()))).toBe(
      'not-ours',
    );
    expect(await accepts(subject, made)).toBe(true);
    await other.close();
  });

  test('where its user is gone and AWS still names the key, it does not count as gone', async () => {
    const made = await make(subject);
    const renamed = `${subject.user}-renamed`;
    await subject.admin.updateUser({ UserName: subject.user, NewUserName: renamed });
    // moto goes on naming the old user: AWS would name the new one, and rotor say not-ours.
    expect(await codeOf(subject.issuer.revoke(made))).toBe('busy');
    await removeUser(subject.admin, renamed);
  });

  const anHourAgo = { date: new Date(Date.now() - 3_600_000).toUTCString() };
  test.each([
    ['asks to wait', { status: 400, code: 'Throttling' }, 'busy'],
    ['counts requests', { status: 429, code: 'Any' }, 'busy'],
    ['changes it already', { status: 409, code: 'ConcurrentModification' }, 'busy'],
    ['fails', { status: 500, code: 'ServiceFailure' }, 'unreachable'],
    ['takes no such input', { status: 400, code: 'InvalidInput' }, 'refused'],
    ['is full', { status: 409, code: 'LimitExceeded' }, 'refused'],
    ['has no such user', { status: 404, code: 'NoSuchEntity' }, 'not-found'],
    ['does not allow it', { status: 403, code: 'AccessDenied' }, 'not-permitted'],
    ['knows no such key', { status: 403, code: 'InvalidClientTokenId' }, 'not-permitted'],
    ['finds another signature', { status: 403, code: 'SignatureDoesNotMatch' }, 'not-permitted'],
    ['says nothing', { status: 200, code: 'Any' }, 'bad-reply'],
  ] as const)('where AWS %s, its own words are not told (%o: %s)', async (_, said, code) => {
    const { front, issuer } = await behind(saying(said, 'never-told'));
    const reason = await reasonOf(make({ ...subject, issuer }));
    expect(reason).toMatchObject({ name: 'AdapterError', code });
    expect(inspect(reason, { depth: 9, showHidden: true })).not.toContain('never-told');
    expect(front.asked).toHaveLength(1);
  });

  test('a provider that says when to come back is heard', async () => {
    const said = { status: 503, code: 'Throttling', headers: { 'retry-after': '7' } };
    const { issuer } = await behind(saying(said, 'x'));
    const reason = await reasonOf(issuer.list(subject.secret));
    expect(reason).toMatchObject({ code: 'busy', retryAfterMs: 7_000 });
  });

  test.each([
    { status: 403, code: 'SignatureDoesNotMatch', headers: anHourAgo },
    { status: 400, code: 'RequestExpired' },
  ])('clocks that differ are no refusal of a key: %o', async (said) => {
    const { issuer } = await behind(saying(said, 'x'));
    const made = await make(subject);
    const clocks = { code: 'refused', message: expect.stringContaining("clock is not AWS's") };
    await expect(issuer.verify(made, made.value, randomUUID())).rejects.toMatchObject(clocks);
    await expect(issuer.list(subject.secret)).rejects.toMatchObject(clocks);
  });

  test('AWS that cannot be reached, or fails, refuses no key', async () => {
    const made = await make(subject);
    const away = open({ endpoint: 'http://127.0.0.1:1' });
    expect(await codeOf(away.list(subject.secret))).toBe('unreachable');
    expect(await codeOf(away.verify(made, made.value, randomUUID()))).toBe('unreachable');
    const sts = open({ stsEndpoint: 'http://127.0.0.1:1' });
    expect(await codeOf(sts.verify(made, made.value, randomUUID()))).toBe('unreachable');
    expect(await sts.list(subject.secret)).toHaveLength(1);
  });

  test.each([
    'text',
    '{"AccessKeyId":7}',
    '{"AccessKeyId":"AKIAXXXXXXXXXXXXXXXX","SecretAccessKey":"a\\nb"}',
  ])('what is no access key is refused, and sent nowhere: %s', async (text) => {
    const issuer = open({ endpoint: 'http://127.0.0.1:1' });
    const ref = { secret: subject.secret, versionId: 'v', tag: undefined };
    const asked = { ...ref, credentialId: 'AKIAXXXXXXXXXXXXXXXX' };
    expect(await codeOf(issuer.verify(asked, new SecretValue(text), randomUUID()))).toBe(
      'credential-refused',
    );
  });

  test.each([
    [{}, true],
    [{ accessKeyIdFile: '/id' }, false],
    [{ accessKeyIdFile: '/id', secretAccessKeyFile: '/secret' }, true],
    [{ endpoint: 'https://iam.example.org' }, true],
    [{ endpoint: 'http://iam.example.org' }, false],
    [{ stsEndpoint: 'https://a:b@sts.example.org' }, false],
    [{ region: 'nowhere' }, false],
  ])('options %j: %s', (more, isFine) => {
    const options = { region: 'eu-central-1', ...more };
    expect(awsIamAccessKey.options.safeParse(options).success).toBe(isFine);
  });

  test('a use that was longer ago than is asked for is not told', async () => {
    const made = await make(subject);
    await subject.use(made.value.reveal(), 'app');
    const since = new Date(Date.now() + day);
    const record = await subject.issuer.observedUse?.(subject.secret, since);
    expect(record?.uses).toEqual([]);
  });
});
