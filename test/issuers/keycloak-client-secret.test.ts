import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { CredentialRef } from '../../domain/issuer.js';
import { SecretValue } from '../../domain/secret-value.js';
import { keycloakClientSecret, traitsOf } from '../../issuers/keycloak-client-secret/index.js';
import { describeIssuer } from '../contracts/hold-to-issuer.js';
import { accepts, codeOf, make, ordered } from '../../conformance/subject.js';
import { target, targetPatience } from '../targets/client.js';
import type { AddressOf } from '../targets/index.js';
import {
  prepareClient,
  prepareRealm,
  type PreparedClient,
  type PreparedRealm,
} from './keycloak-subject.js';
import { leakingServer, toldBy } from './leaking-server.js';

let keycloak: AddressOf<'keycloak'>;
let rotating: PreparedRealm;
let plain: PreparedRealm;
beforeAll(async () => {
  keycloak = await target('keycloak');
  rotating = await prepareRealm(keycloak, true);
  plain = await prepareRealm(keycloak, false);
}, targetPatience);
afterAll(async () => {
  await rotating.close();
  await plain.close();
});

const usual = { accessTokenLifespan: 300_000 };
describeIssuer(
  {
    name: 'keycloak-client-secret, with a rotation policy',
    traits: traitsOf({ ...usual, rotationPolicy: true }),
  },
  () => prepareClient(rotating, { empty: true }),
);
describeIssuer(
  {
    name: 'keycloak-client-secret, without',
    traits: traitsOf({ ...usual, rotationPolicy: false }),
  },
  () => prepareClient(plain, { empty: false }),
);

describe('options of keycloak-client-secret', () => {
  const given = {
    url: 'https://sso',
    realm: 'shop',
    login: { user: 'rotor', passwordFile: '/password' },
    rotationPolicy: true,
  };

  test('a lifespan is a duration, and what tokens outlive by', () => {
    const { options, traits } = keycloakClientSecret;
    expect(traits(options.parse(given)).outlivesMs).toBe(300_000);
    expect(traits(options.parse({ ...given, accessTokenLifespan: '1h' })).outlivesMs).toBe(
      3_600_000,
    );
    for (const accessTokenLifespan of ['0s', 'long'])
      expect(options.safeParse({ ...given, accessTokenLifespan }).success).toBe(false);
  });

  test('a login is one of both ways, and not a mixture', () => {
    const login = { user: 'rotor', secretFile: '/secret' };
    expect(keycloakClientSecret.options.safeParse({ ...given, login }).success).toBe(false);
  });
});

/** What the client had before rotor. */
async function adopted(subject: PreparedClient): Promise<CredentialRef> {
  const [found] = await subject.issuer.list(subject.secret);
  const { secret } = subject;
  return { secret, versionId: 'adopted', credentialId: found?.credentialId ?? '', tag: undefined };
}

const settingsOf = async (realm: PreparedRealm, { id }: PreparedClient) => {
  const { body } = await realm.ask('GET', `/clients/${id}`);
  const { secret: _secret, attributes: _attributes, ...settings } = body as Record<string, unknown>;
  return settings;
};

describe('keycloak-client-secret, with a rotation policy', () => {
  let subject: PreparedClient;
  beforeEach(async () => {
    subject = await prepareClient(rotating, { empty: false });
  });
  afterEach(() => subject.close());

  test('what was there before works beside the new one, and its end is known', async () => {
    const before = await adopted(subject);
    const settings = await settingsOf(rotating, subject);
    const made = await make(subject);
    expect(await subject.use(subject.first, 'old')).toBe(true);
    expect(await subject.use(made.value.reveal(), 'new')).toBe(true);
    const [old, next] = await subject.issuer.list(subject.secret);
    expect([old?.credentialId, next?.credentialId]).toEqual([
      before.credentialId,
      made.credentialId,
    ]);
    const days = (date: Date | undefined) =>
      Math.round(((date?.getTime() ?? 0) - Date.now()) / 86_400_000);
    expect([days(old?.expiresAt), days(next?.expiresAt)]).toEqual([5, 10]);
    expect(await settingsOf(rotating, subject)).toEqual(settings);
  });

  test('asked to rotate twice, Keycloak throws out the secret in use; a repeated mint does not', async () => {
    const path = `/clients/${subject.id}/client-secret`;
    const made = await make(subject);
    const request = { ...made, expiresAt: undefined };
    await subject.issuer.mint(request);
    await subject.issuer.mint(request);
    expect(await subject.use(subject.first, 'old')).toBe(true);
    await rotating.ask('POST', path);
    expect(await subject.use(subject.first, 'old')).toBe(false);
    expect(await accepts(subject, made)).toBe(true);
    // Rotated out by somebody, it still is the credential that was made.
    expect((await subject.issuer.mint(request)).credentialId).toBe(made.credentialId);
    await rotating.ask('POST', path);
    expect(await accepts(subject, made)).toBe(false);
  });

  test('the successor revoked, the predecessor is the current one again', async () => {
    const before = await adopted(subject);
    const made = await make(subject);
    await subject.issuer.revoke(made);
    expect(await accepts(subject, made)).toBe(false);
    expect(await subject.issuer.list(subject.secret)).toMatchObject([
      { credentialId: before.credentialId },
    ]);
    const { body } = await rotating.ask('GET', `/clients/${subject.id}/client-secret`);
    expect(body).toMatchObject({ value: subject.first });
    expect(await subject.use(subject.first, 'old')).toBe(true);
  });

  test('the last one revoked, nobody gets in, not even without a secret, and the next takes its place', async () => {
    const made = await make(subject);
    const before = await adopted(subject);
    await subject.issuer.revoke(before);
    await subject.issuer.revoke(made);
    expect(await subject.issuer.list(subject.secret)).toEqual([]);
    for (const value of ['', subject.first, made.value.reveal()])
      expect((await rotating.token(subject.clientId, value)).status).toBe(401);
    const next = await make(subject);
    expect(await subject.issuer.list(subject.secret)).toMatchObject([
      { credentialId: next.credentialId },
    ]);
    expect(await accepts(subject, next)).toBe(true);
  });

  test('a client that the policy does not reach is left as it is', async () => {
    const { body } = await rotating.ask('GET', '/client-policies/policies');
    await rotating.ask('PUT', '/client-policies/policies', { policies: [] });
    try {
      const settings = { description: 'changed, so that it is marked no more' };
      await rotating.ask('PUT', `/clients/${subject.id}`, settings);
      await expect(make(subject)).rejects.toMatchObject({
        code: 'refused',
        message: expect.stringContaining(`reaches client ${subject.clientId}`),
      });
    } finally {
      await rotating.ask('PUT', '/client-policies/policies', body as object);
    }
    expect(await subject.use(subject.first, 'old')).toBe(true);
    // It is marked by the change that looks whether it is reached.
    expect(await accepts(subject, await make(subject))).toBe(true);
    expect(await subject.use(subject.first, 'old')).toBe(true);
  });

  test('said to have no policy, it refuses to leave the old secret behind', async () => {
    const issuer = subject.open({ rotationPolicy: false });
    const { secret } = subject;
    const value = new SecretValue('a-value-of-ours');
    const minted = issuer.mint({ secret, ...ordered(subject), value, expiresAt: undefined });
    await expect(minted).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('its old secrets would live on (option rotationPolicy)'),
    });
    expect(await subject.use(subject.first, 'old')).toBe(true);
  });
});

describe('keycloak-client-secret, without a rotation policy', () => {
  let subject: PreparedClient;
  beforeEach(async () => {
    subject = await prepareClient(plain, { empty: false });
  });
  afterEach(() => subject.close());

  test('the new value is in place, the old one is refused, and all other settings stay', async () => {
    const settings = await settingsOf(plain, subject);
    const made = await make(subject);
    expect(await subject.use(made.value.reveal(), 'new')).toBe(true);
    expect(await subject.use(subject.first, 'old')).toBe(false);
    expect(await settingsOf(plain, subject)).toEqual(settings);
  });

  test('said to have a policy, it is told before anything changes', async () => {
    const issuer = subject.open({ rotationPolicy: true });
    expect(await codeOf(make({ ...subject, issuer }))).toBe('refused');
    expect(await subject.use(subject.first, 'old')).toBe(true);
  });

  test('a token outlives its secret', async () => {
    const made = await make(subject);
    const { body } = await plain.token(subject.clientId, made.value.reveal());
    const authorization = `Bearer ${String((body as Record<string, unknown>)['access_token'])}`;
    await subject.issuer.revoke(made);
    const url = `${keycloak.url}/admin/realms/${plain.realm}/clients`;
    // Known, and without a right: one that has ended is 401.
    expect((await fetch(url, { headers: { authorization } })).status).toBe(403);
  });

  test('tokens that live longer than rotor was told are told', async () => {
    const attributes = { 'access.token.lifespan': '301' };
    const { clientId, id } = subject;
    await plain.ask('PUT', `/clients/${id}`, { clientId, attributes });
    await expect(make(subject)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('live for 301 s'),
    });
  });

  test('a client that somebody deleted is gone with its secrets; a realm is somebody to ask about', async () => {
    const made = await make(subject);
    await subject.close();
    await subject.issuer.revoke(made);
    expect(await accepts(subject, made)).toBe(false);
    expect(await subject.issuer.list(subject.secret)).toEqual([]);
    expect(await codeOf(make(subject))).toBe('refused');
    const login = { user: keycloak.user, passwordFile: keycloak.passwordFile };
    const gone = subject.open({ realm: 'gone', login, loginRealm: keycloak.realm });
    for (const work of [() => gone.list(subject.secret), () => gone.revoke(made)])
      await expect(work()).rejects.toMatchObject({
        code: 'refused',
        message: 'Keycloak has no realm gone',
      });
  });

  test('a client that became public has no secret, and says so', async () => {
    await plain.ask('PUT', `/clients/${subject.id}`, { publicClient: true });
    expect(await codeOf(make(subject))).toBe('refused');
    expect(await codeOf(subject.issuer.list(subject.secret))).toBe('refused');
  });

  test('a token of rotor that ended before its time is renewed', async () => {
    expect(await subject.issuer.list(subject.secret)).toHaveLength(1);
    await pause(1_100);
    const notBefore = Math.floor(Date.now() / 1_000);
    await plain.ask('PUT', '', { notBefore });
    expect(await subject.issuer.list(subject.secret)).toHaveLength(1);
  });

  test('a wrong login of its own, missing rights and a server that is away are told apart', async () => {
    const { secret } = subject;
    const wrong = { clientId: 'rotor', secretFile: plain.secretFile('wrong', 'not-the-secret') };
    await expect(subject.open({ login: wrong }).list(secret)).rejects.toMatchObject({
      code: 'not-permitted',
      message: "Keycloak refuses rotor's own login",
    });
    for (const [missing, roles] of [
      ['manage-clients', ['view-realm', 'view-clients']],
      ['view-realm', ['manage-clients']],
    ] as const) {
      const clientId = `without-${missing}`;
      const login = { clientId, secretFile: await plain.administrator(clientId, roles) };
      await expect(make({ ...subject, issuer: subject.open({ login }) })).rejects.toMatchObject({
        code: 'not-permitted',
        message: `rotor's login lacks the role ${missing} (of realm-management) in realm ${plain.realm}`,
      });
    }
    expect(await codeOf(subject.open({ url: 'http://127.0.0.1:1' }).list(secret))).toBe(
      'unreachable',
    );
  });

  test('nothing that the server says in words goes on', async () => {
    const planted = `planted-${ordered(subject).versionId}`;
    const server = await leakingServer();
    const made = await make(subject);
    const answers: [number, string][] = [
      [400, JSON.stringify({ error: 'invalid_grant', error_description: planted })],
      [401, JSON.stringify({ error: 'unauthorized_client', error_description: planted })],
      [409, JSON.stringify({ errorMessage: planted })],
      [500, planted],
      [200, planted],
      [200, JSON.stringify({ access_token: planted, expires_in: 60 })],
    ];
    for (const [status, body] of answers) {
      server.answer(status, body);
      const issuer = subject.open({ url: server.url });
      for (const work of [
        issuer.list(subject.secret),
        issuer.mint({ ...made, expiresAt: undefined }),
        issuer.revoke(made),
      ]) {
        const told = await toldBy(work);
        expect(told).toContain('AdapterError');
        expect(told).not.toContain(planted);
      }
    }
    server.close();
  });
});
