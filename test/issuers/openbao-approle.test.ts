import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openbaoApprole } from '../../issuers/openbao-approle/index.js';
import { describeIssuer } from '../contracts/hold-to-issuer.js';
import { accepts, codeOf, make, ordered, usesOf } from '../../conformance/subject.js';
import { target, targetPatience } from '../targets/client.js';
import type { AddressOf } from '../targets/index.js';
import { contextOf } from './context.js';
import { prepareBao, type PreparedBao } from './openbao-subject.js';

let bao: AddressOf<'openbao'>;
let folder: string;
beforeAll(async () => {
  bao = await target('openbao');
  folder = mkdtempSync(join(tmpdir(), 'rotor-openbao-'));
}, targetPatience);
afterAll(() => rmSync(folder, { recursive: true }));

const unread = {
  url: 'http://127.0.0.1:1',
  tokenFile: '/token',
  mount: 'approle',
  userLockout: true,
};
const audit = { file: '/log', device: 'main' };
describeIssuer(
  {
    name: 'openbao-approle, with an audit device',
    traits: openbaoApprole.traits({ ...unread, audit }),
  },
  () => prepareBao(bao, 'audited'),
);
describeIssuer(
  { name: 'openbao-approle, by its tokens', traits: openbaoApprole.traits(unread) },
  () => prepareBao(bao, 'sampled'),
);

describe('openbao-approle', () => {
  let subject: PreparedBao;
  beforeEach(async () => {
    subject = await prepareBao(bao, 'audited');
  });
  afterEach(() => subject.close());

  const openAs = (options: object) =>
    openbaoApprole.open(
      openbaoApprole.options.parse({ ...subject.options, ...options }),
      contextOf(subject.installation),
    );

  test('a token outlives its secret-id, is listed, and is ended; those of others go on', async () => {
    const { issuer } = subject;
    const [made, other] = [await make(subject), await make(subject)];
    const token = (await subject.logIn(made.value.reveal())) ?? '';
    const others = (await subject.logIn(other.value.reveal())) ?? '';
    const lives = async (one: string): Promise<boolean> => {
      const headers = { 'x-vault-token': one };
      return (await fetch(`${bao.url}/v1/auth/token/lookup-self`, { headers })).ok;
    };
    await issuer.revoke(made);
    expect(await lives(token)).toBe(true);
    expect(await issuer.openUse?.(made)).toMatchObject([{ kind: 'token' }]);
    await issuer.endOpenUse?.(made);
    expect(await issuer.openUse?.(made)).toEqual([]);
    expect(await lives(token)).toBe(false);
    expect(await lives(others)).toBe(true);
  });

  test('who is refused with a revoked secret-id is known to a process that began later, by a login before', async () => {
    const made = await make(subject);
    await subject.use(made.value.reveal(), 'billing');
    await subject.issuer.revoke(made);
    await subject.use(made.value.reveal(), 'late');
    const record = await openAs({}).observedUse?.(subject.secret, new Date(Date.now() - 60_000));
    const { versionId } = made;
    expect(record?.uses.map(({ outcome }) => outcome).sort()).toEqual(['accepted', 'refused']);
    expect(record?.uses).toMatchObject([{ versionId }, { versionId }]);
  });

  test('what came before rotor has no tag: a login with any of it counts for all of it', async () => {
    const made = await subject.ask('POST', `auth/approle/role/${subject.role}/secret-id`, {});
    const second = await subject.ask('POST', `auth/approle/role/${subject.role}/secret-id`, {});
    const ours = await make(subject);
    await subject.logIn(String(made.body.data?.['secret_id']));
    const accessors = [made, second].map(({ body }) => String(body.data?.['secret_id_accessor']));
    const record = await subject.issuer.observedUse?.(
      subject.secret,
      new Date(Date.now() - 60_000),
    );
    expect(record?.uses.map(({ credentialId }) => credentialId).sort()).toEqual(accessors.sort());
    expect(await usesOf(subject, ours)).toEqual([]);
    expect(await subject.issuer.list(subject.secret)).toHaveLength(3);
  });

  test('a mint whose answer was lost finds what it made; one of another version is not touched', async () => {
    const { issuer, secret } = subject;
    const made = await make(subject);
    const again = { secret, versionId: made.versionId, tag: made.tag, value: made.value };
    const expiresAt = new Date(Date.now() + 60_000);
    expect((await issuer.mint({ ...again, expiresAt })).credentialId).toBe(made.credentialId);
    const other = { ...again, ...ordered(subject), expiresAt };
    expect(await codeOf(issuer.mint(other))).toBe('not-ours');
    expect(await accepts(subject, made)).toBe(true);
  });

  test('a role that is not there is said, and has no secret-ids to lose', async () => {
    await subject.close();
    await expect(make(subject)).rejects.toMatchObject({
      code: 'refused',
      message: `OpenBao makes no secret-id of role ${subject.role}: is it there?`,
    });
    expect(await subject.issuer.list(subject.secret)).toEqual([]);
    await expect(openAs({ mount: 'elsewhere' }).list(subject.secret)).rejects.toMatchObject({
      code: 'refused',
      message: 'OpenBao has no auth method at auth/elsewhere',
    });
  });

  test('of a role that somebody deleted everything is gone, and a revoke is done', async () => {
    const made = await make(subject);
    await subject.close();
    await subject.issuer.revoke(made);
    expect(await accepts(subject, made)).toBe(false);
  });

  test('the right that rotor lacks is named', async () => {
    const policy = `path "auth/approle/role/+/secret-id" { capabilities = ["list"] }`;
    await subject.ask('POST', 'sys/policies/acl/weak', { policy });
    const { body } = await subject.ask('POST', 'auth/token/create', { policies: ['weak'] });
    const tokenFile = join(folder, 'weak');
    writeFileSync(tokenFile, body.auth?.client_token ?? '', { mode: 0o600 });
    const made = await make(subject);
    await expect(openAs({ tokenFile }).revoke(made)).rejects.toMatchObject({
      code: 'not-permitted',
      message: `rotor's token may not write auth/approle/role/${subject.role}/secret-id-accessor/lookup (capability create and update)`,
    });
    expect(await accepts(subject, made)).toBe(true);
  });

  test('away, and a token that is not valid, are told apart', async () => {
    const tokenFile = join(folder, 'old');
    writeFileSync(tokenFile, 's.ended', { mode: 0o600 });
    expect(await codeOf(openAs({ tokenFile }).list(subject.secret))).toBe('not-permitted');
    const url = 'http://127.0.0.1:1';
    expect(await codeOf(openAs({ url }).list(subject.secret))).toBe('unreachable');
  });
});
