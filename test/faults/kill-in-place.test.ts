import { afterEach, describe, expect, test } from '@jest/globals';
import type { IssuerTraits } from '../../domain/issuer.js';
import { eventually } from './installation.js';
import { openKillable } from './killable.js';
import { openSecretOfIssuer, type SecretOfIssuer } from './secret-of-issuer.js';

let secret: SecretOfIssuer;
afterEach(() => secret.close());

interface Killed {
  readonly kind: 'rotate' | 'compromise';
  readonly point: string;
  readonly traits: Partial<IssuerTraits>;
  /** What goes wrong besides. */
  readonly trouble?: Partial<SecretOfIssuer['issuer']['trouble']>;
}

async function surviveKill({ kind, point, traits, trouble = {} }: Killed): Promise<void> {
  secret = await openSecretOfIssuer(traits);
  Object.assign(secret.issuer.trouble, trouble);
  const worker = openKillable(
    { ...secret.installation, start: secret.start },
    'worker-with-issuer',
  );
  const died = worker.diesAt(point);
  const runId = await secret.ask(kind);
  await died;
  worker.start();
  await eventually(async () => (await secret.workflowStatus()) === 'COMPLETED');
  const runs = await secret.rows('select id, outcome from rotor.runs');
  expect(runs).toEqual([{ id: runId, outcome: 'succeeded' }]);
}

async function versions(): Promise<string[]> {
  const rows = await secret.rows(
    'select ordinal, state, is_current from rotor.versions order by ordinal',
  );
  return rows.map(
    ({ ordinal, state, is_current: current }) =>
      `v${String(ordinal)} ${String(state)}${current === true ? ' current' : ''}`,
  );
}

async function expectNothingLost(): Promise<void> {
  const live = [...secret.issuer.live.values()];
  const [current, ...others] = await secret.rows(
    `select id, credential_id from rotor.versions where is_current and state = 'active'`,
  );
  expect(others).toEqual([]);
  expect(live.map(({ credentialId }) => credentialId)).toEqual([current?.['credential_id']]);
  const value = (await secret.parts.store.get(String(current?.['id'])))?.reveal() ?? '';
  expect(live.map((made) => made.value)).toEqual([value]);
  expect(secret.held()).toEqual([value, value]);
  expect(secret.issuer.use(value, { userAgent: 'check' })).toBe(true);
  expect(secret.issuer.use(secret.oldValue, { userAgent: 'check' })).toBe(false);
  const sealed = await secret.rows('select version_id from sealed.values');
  expect(sealed).toEqual([{ version_id: current?.['id'] }]);
}

/** Everything that ended at the issuer ended by a call that had a grant, and the trail of it is whole. */
async function expectOnRecord(basis: string): Promise<void> {
  const granted = await secret.rows(
    `select v.credential_id, g.basis from rotor.versions v join rotor.grants g on g.id = v.grant_id
     where v.state = 'revoked' and g.called_at is not null order by v.ordinal`,
  );
  expect(granted.map((row) => row['credential_id']).sort()).toEqual(secret.ended().sort());
  expect(granted[0]).toMatchObject({ basis });
  const verdict = await secret.parts.audit.verify(secret.parts.pool);
  expect(verdict.faults).toEqual([]);
  expect(verdict.events).toBeGreaterThan(0);
}

describe('the worker is killed (SIGKILL) where an issuer has one value at a time', () => {
  const traits = { overlap: { kind: 'none' }, valueChosenBy: 'ours' } as const;

  test.each([
    ['rotate', 'prepare:sealed', 'accepted-outage'],
    ['rotate', 'cutover:call', 'accepted-outage'],
    ['rotate', 'cutover:called', 'accepted-outage'],
    ['compromise', 'cutover:called', 'contained'],
  ] as const)(
    '%s, at %s: one value is in place, it is the sealed one, and everybody holds it',
    async (kind, point, basis) => {
      await surviveKill({ kind, point, traits });
      expect(await versions()).toEqual(['v1 revoked', 'v2 active current']);
      await expectNothingLost();
      await expectOnRecord(basis);
    },
  );
});

describe('the worker is killed (SIGKILL) where a mint made two credentials', () => {
  test('at create:orphan: both end by a grant, and the next one is the only one', async () => {
    const trouble = { twins: 1, lostMints: 1 };
    await surviveKill({ kind: 'rotate', point: 'create:orphan', traits: {}, trouble });
    expect(await versions()).toEqual([
      'v1 revoked',
      'v2 revoked',
      'v3 revoked',
      'v4 active current',
    ]);
    // Before this test itself uses a value that nobody should.
    const findings = await secret.rows('select code from rotor.findings');
    expect(findings).toEqual([{ code: 'orphan-credential' }]);
    await expectNothingLost();
    await expectOnRecord('proven-unused');
  });
});
