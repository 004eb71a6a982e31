import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { accepts, make, type IssuerUnderTest } from '../../conformance/subject.js';
import { openbaoKv as kvConnector } from '../../connectors/openbao-kv/index.js';
import { SecretValue } from '../../domain/secret-value.js';
import type { Store } from '../../domain/store.js';
import { packageRoot } from '../../infra/package-root.js';
import { openbaoApprole } from '../../issuers/openbao-approle/index.js';
import { postgres } from '../../issuers/postgres/index.js';
import { redisAcl } from '../../issuers/redis-acl/index.js';
import { openbaoKv as kvStore } from '../../stores/openbao-kv/index.js';
import { baoAdmin, type BaoAdmin } from '../connectors/bao-places.js';
import { deliveryOf, destinationAt } from '../connectors/places.js';
import { noContext } from '../stores/context.js';
import { target, targetPatience } from '../targets/client.js';
import type { AddressOf } from '../targets/index.js';
import { inFrontOf, openFront } from './aws-answers.js';
import { contextOf } from './context.js';
import { prepareBao } from './openbao-subject.js';
import { connects, prepare, session } from './postgres-subject.js';
import { prepareRedis, urlOf } from './redis-subject.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rotor-rights-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const readme = (kind: string, part = 'issuers'): string =>
  readFileSync(join(packageRoot(), part, kind, 'README.md'), 'utf8');

function fileOf(text: string): string {
  const file = join(folder, randomUUID());
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

/** All that a run may ask of an issuer; what it was first told where that fails. */
async function life(subject: IssuerUnderTest, absent: object): Promise<string> {
  const { issuer, secret } = subject;
  try {
    const made = await make(subject);
    await issuer.list(secret);
    await accepts(subject, made);
    await subject.use(made.value.reveal(), 'program');
    await issuer.observedUse?.(secret, new Date(Date.now() - 60_000));
    await issuer.openUse?.(made);
    await issuer.endOpenUse?.(made, new Date(Date.now() + 60_000));
    await issuer.endOpenUse?.(made);
    await issuer.revoke(made);
    await issuer.revoke({ ...made, secret: { ...secret, specification: { ...absent } } });
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : 'not an error';
  }
}

/** Those that the README names are enough, and one that is missing is told by name. */
async function holdToRights(
  rights: readonly string[],
  told: (right: string) => RegExp,
  live: (rights: readonly string[]) => Promise<string>,
): Promise<void> {
  expect(rights.length).toBeGreaterThan(2);
  expect(await live(rights)).toBe('');
  for (const missing of rights) {
    const message = await live(rights.filter((right) => right !== missing));
    expect({ missing, message }).toEqual({
      missing,
      message: expect.stringMatching(told(missing)),
    });
  }
}

describe('openbao-approle', () => {
  let bao: AddressOf<'openbao'>;
  beforeAll(async () => {
    bao = await target('openbao');
  }, targetPatience);

  test('needs the rights that its README names, and names the one that is missing', async () => {
    const subject = await prepareBao(bao, 'audited');
    const rules = readme('openbao-approle').match(/^path ".*$/gm) ?? [];
    const tokenWith = async (some: readonly string[]): Promise<string> => {
      const name = `rights-${randomUUID()}`;
      await subject.ask('POST', `sys/policies/acl/${name}`, { policy: some.join('\n') });
      const { body } = await subject.ask('POST', 'auth/token/create', { policies: [name] });
      return fileOf(body.auth?.client_token ?? '');
    };
    const told = (rule: string): RegExp => {
      const path = /"(.*?)"/.exec(rule)?.[1] ?? '';
      return new RegExp(`may not \\w+ ${path.replaceAll('+', '[^/]+')}( |$)`);
    };
    await holdToRights(rules, told, async (some) => {
      const options = { ...subject.options, tokenFile: await tokenWith(some) };
      const issuer = openbaoApprole.open(
        openbaoApprole.options.parse(options),
        contextOf(subject.installation),
      );
      return life({ ...subject, issuer }, { role: 'none' });
    });
    await subject.close();
  });
});

describe('openbao-kv', () => {
  let admin: BaoAdmin;
  let mount: string;
  beforeAll(async () => {
    admin = baoAdmin(await target('openbao'));
    mount = await admin.mount();
  }, targetPatience);

  /** Each capability of each path by itself. */
  const rightsOf = (part: string): string[] => {
    const rules = [...readme('openbao-kv', part).matchAll(/^path "secret\/(.*)" +\{.*\[(.*)\]/gm)];
    return rules.flatMap(([, path = '', all = '']) =>
      [...all.matchAll(/\w+/g)].map(([right]) => `${mount}/${path} ${right}`),
    );
  };

  const optionsWith = async (rights: readonly string[]): Promise<object> => {
    const split = rights.map((right) => right.split(' '));
    const rules = [...new Set(split.map(([path]) => path ?? ''))].map((path) => {
      const own = split.filter(([other]) => other === path).map(([, right]) => right);
      return `path "${path}" { capabilities = ${JSON.stringify(own)} }`;
    });
    return { url: admin.url, tokenFile: fileOf(await admin.tokenWith(rules.join('\n'))) };
  };

  const told = (right: string): RegExp => {
    const [path = '', name = ''] = right.split(' ');
    return new RegExp(`may not \\w+ ${path.replace('*', '')}\\S+ \\(capability .*${name}`);
  };

  const toldOf = async (work: () => Promise<unknown>): Promise<string> => {
    try {
      await work();
      return '';
    } catch (error) {
      return error instanceof Error ? error.message : 'not an error';
    }
  };

  test('the connector needs the rights that its README names, and names the one that is missing', async () => {
    await holdToRights(rightsOf('connectors'), told, async (some) => {
      const connector = kvConnector.open(kvConnector.options.parse(await optionsWith(some)));
      const path = `billing/${randomUUID()}`;
      await admin.ask('POST', `${mount}/data/${path}`, { data: { other: 'kept' } });
      const place = destinationAt({ mount, path, key: 'password' });
      const [old, young] = [deliveryOf(place, 'old'), deliveryOf(place, 'young')];
      const known = [old.version, young.version];
      const empty = `billing/${randomUUID()}`;
      await admin.ask('POST', `${mount}/metadata/${empty}`, { max_versions: 10 });
      const first = deliveryOf(destinationAt({ mount, path: empty, key: 'password' }), 'first');
      return toldOf(async () => {
        await connector.deliver(first);
        for (const one of [old, young]) await connector.deliver({ ...one, known });
        await connector.held(place, known);
        await connector.forget({ ...old, known });
        await connector.withdraw({ ...young, known });
      });
    });
  });

  test('the store needs the rights that its README names, and names the one that is missing', async () => {
    await holdToRights(rightsOf('stores'), told, async (some) => {
      const options = { ...(await optionsWith(some)), mount };
      const store = (more: object): Store =>
        kvStore.open(kvStore.options.parse({ ...options, ...more }), noContext);
      const [versionId, overtaken] = [randomUUID(), randomUUID()];
      const value = new SecretValue('a-value');
      // Somebody is faster: what was to be made is there.
      const front = await openFront((incoming, response, body) => {
        const pass = () => inFrontOf(admin.url, () => false)(incoming, response, body);
        const isPut = incoming.method === 'POST' && String(incoming.url).includes(overtaken);
        return isPut
          ? void store({ tokenFile: admin.tokenFile }).put(overtaken, value).then(pass)
          : pass();
      });
      const ended = await toldOf(async () => {
        await store({}).put(versionId, value);
        expect((await store({}).get(versionId))?.reveal()).toBe('a-value');
        await store({}).destroy(versionId);
        await store({ url: front.url }).put(overtaken, value);
      });
      await front.close();
      return ended;
    });
  });
});

describe('redis-acl', () => {
  let redis: AddressOf<'redis'>;
  beforeAll(async () => {
    redis = await target('redis');
  }, targetPatience);

  test('needs the rights that its README names, and names the one that is missing', async () => {
    const subject = await prepareRedis(redis);
    const [, line = ''] = /\*\*Rights it needs\*\*: `(.*?)`/.exec(readme('redis-acl')) ?? [];
    const told = (right: string): RegExp =>
      new RegExp(`may not do ${right.slice(1).replace('|', ' ')} on the server`, 'i');
    await holdToRights(line.split(' '), told, async (some) => {
      const user = `rights-${randomBytes(4).toString('hex')}`;
      const password = randomUUID();
      await subject.asAdmin((send) =>
        send(['ACL', 'SETUSER', user, 'on', `>${password}`, ...some]),
      );
      const options = { urls: [urlOf(redis)], user, passwordFile: fileOf(password) };
      const issuer = redisAcl.open(
        redisAcl.options.parse(options),
        contextOf(subject.installation),
      );
      const ended = await life({ ...subject, issuer }, { user: 'none' });
      await subject.asAdmin((send) => send(['ACL', 'DELUSER', user]));
      return ended;
    });
    await subject.close();
  });
});

describe('postgres', () => {
  const grants = [
    'alter role ADMIN createrole',
    'grant OWNER to ADMIN with admin option',
    'grant pg_read_all_stats to ADMIN',
    'grant pg_signal_backend to ADMIN',
  ];

  test('needs the rights that its README names, and says which it needs where one is missing', async () => {
    const subject = await prepare('sessions');
    const { ownerPool, ownerUrl } = subject.database;
    const told = (): RegExp =>
      /needs CREATEROLE, ADMIN OPTION on the owner role, pg_read_all_stats and pg_signal_backend/;
    const names: string[] = [];
    await holdToRights(grants, told, async (some) => {
      const admin = `rights_${randomBytes(4).toString('hex')}`;
      names.push(admin);
      await ownerPool.query(`create role ${admin} login password 'of-the-test'`);
      for (const grant of some)
        await ownerPool.query(grant.replace('ADMIN', admin).replace('OWNER', subject.ownerRole));
      const url = new URL(ownerUrl);
      url.username = admin;
      url.password = 'of-the-test';
      const options = postgres.options.parse({ adminUrlFile: fileOf(url.href) });
      const issuer = postgres.open(options, contextOf(subject.installation));
      const open: { end(): Promise<void> }[] = [];
      // It stays, so that there is something to see and to end.
      const use = async (value: string): Promise<boolean> => {
        open.push(await session(value, 'program'));
        return connects(value, 'program');
      };
      const { ownerRole, secret } = subject;
      const ended = await life({ ...subject, issuer, use }, { ...secret.specification, ownerRole });
      for (const one of open) await one.end().catch(() => undefined);
      return ended;
    });
    await subject.close();
    const admin = await prepare('sessions');
    for (const name of names)
      await admin.database.ownerPool.query(`drop owned by ${name}; drop role ${name}`);
    await admin.close();
  });
});
