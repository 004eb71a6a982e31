import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Command } from 'commander';
import type { Act } from '../../client/cli/context.js';
import { openOutput } from '../../client/cli/output.js';
import { addRequests } from '../../client/cli/requests.js';
import { inOptions } from '../../client/cli/spoken.js';
import type { ApiClient } from '../../client/http.js';
import { RotorError } from '../../domain/errors.js';

const isTTY = Object.getOwnPropertyDescriptor(process.stdin, 'isTTY');
let noted = '';
beforeEach(() => {
  noted = '';
  Object.defineProperty(process.stdin, 'isTTY', { value: false, configurable: true });
  jest.spyOn(process.stdout, 'write').mockImplementation(() => true);
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    noted += String(text);
    return true;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
  Object.defineProperty(process.stdin, 'isTTY', isTTY ?? { value: undefined, configurable: true });
});

const shown = {
  ...{ title: 'Contain acme/api v1 → a new version', steps: [], ends: ['v1'], waves: [] },
  ...{ warnings: [], limits: [], breaks: ['shop'], undeclared: [], blockers: [], waits: [] },
};

interface Posted {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

const created: unknown = { runId: 'feedf00d', submission: 'created' };

/** What was posted, in this order; a plan is answered as it is told. */
async function posted(
  line: string,
  plan: () => unknown = () => shown,
  made = created,
): Promise<Posted[]> {
  const all: Posted[] = [];
  const post = (path: string, body: Posted['body']): Promise<unknown> => {
    all.push({ path: path.replace('/v1/secrets/acme/api/', ''), body });
    const answer = async (): Promise<unknown> => plan();
    return path.endsWith('/plan') ? answer() : Promise.resolve(made);
  };
  const context = { api: { post } as unknown as ApiClient, output: openOutput(false) };
  const program = new Command('rotor').exitOverride();
  const act: Act =
    (work) =>
    async (...args) =>
      void (await work(context, ...args).catch((error: unknown) => {
        throw inOptions(error, args.at(-1) as Command);
      }));
  addRequests(program, act);
  await program.parseAsync(line.split(' '), { from: 'user' });
  return all;
}

const failing = (code: string, about: ConstructorParameters<typeof RotorError>[2]) => () => {
  throw new RotorError(code, 'it says why', about);
};

describe('what revokes', () => {
  test.each([['compromise acme/api'], ['revoke acme/api --version v1'], ['decommission acme/api']])(
    '%s is asked for at once where the word was said',
    async (line) => {
      const all = await posted(`${line} --confirm revoke`, failing('hangs', { kind: 'failed' }));
      expect(all.map(({ path }) => path)).toEqual(['runs']);
    },
  );

  test('without the word says who breaks, and asks for nothing', async () => {
    await expect(posted('compromise acme/api')).rejects.toMatchObject({
      code: 'confirmation-needed',
    });
    expect(noted).toContain('Fails at once: shop');
  });

  test('a leak is not left alone because its plan cannot be shown', async () => {
    const none = failing('issuer-not-configured', { kind: 'invalid' });
    const unsaid = { code: 'confirmation-needed' };
    await expect(posted('compromise acme/api', none)).rejects.toMatchObject(unsaid);
    expect(noted).toContain('who would break cannot be shown: it says why');
    const revoke = posted('revoke acme/api --version v1', none);
    await expect(revoke).rejects.toMatchObject({ code: 'issuer-not-configured' });
  });

  test('under a key, what is over by now is no reason to refuse the preview', async () => {
    const problems = [{ path: 'versions', message: 'v1 is no live version of this secret' }];
    const over = failing('body-invalid', { kind: 'invalid', problems });
    const line = 'compromise acme/api --version v1';
    const repeated = posted(`${line} --idempotency-key k`, over);
    await expect(repeated).rejects.toMatchObject({ code: 'confirmation-needed' });
    await expect(posted(line, over)).rejects.toMatchObject({ code: 'body-invalid' });
  });
});

describe('a compromise that was taken, and has not contained what it could', () => {
  const joined = { runId: 'feedf00d', submission: 'joined', livesOn: ['v1', 'v2'] };

  test('says what that one does not end', async () => {
    const all = await posted('compromise acme/api --confirm revoke', () => shown, joined);
    expect(all).toHaveLength(1);
    const said = jest.mocked(process.stdout.write).mock.calls.join('');
    expect(said).toContain('not ended by it: v1, v2');
    expect(said).toContain('rotor compromise acme/api --version v1 v2');
  });

  test('says that nothing is revoked while the database is behind', async () => {
    const held = { runId: 'feedf00d', submission: 'created', held: 'recovering' };
    await posted('compromise acme/api --confirm revoke', () => shown, held);
    const said = jest.mocked(process.stdout.write).mock.calls.join('');
    expect(said).toContain('nothing is revoked yet');
    expect(said).toContain('rotor contain acme/api --direct');
  });

  test('ends what was shown before the word was typed', async () => {
    const stdin = Object.getOwnPropertyDescriptor(process, 'stdin');
    const typing = Object.assign(new PassThrough(), { isTTY: true });
    Object.defineProperty(process, 'stdin', { value: typing, configurable: true });
    typing.write('revoke\r');
    try {
      const all = await posted('compromise acme/api', () => shown, joined);
      expect(all.map(({ path }) => path)).toEqual(['plan', 'runs', 'runs']);
      expect(all[1]?.body).toMatchObject({ versions: undefined, confirm: 'revoke' });
      expect(all[2]?.body).toMatchObject({ versions: ['v1'], confirm: 'revoke' });
    } finally {
      if (stdin !== undefined) Object.defineProperty(process, 'stdin', stdin);
    }
  });
});

describe('a plan', () => {
  const bodyOf = async (line: string) => (await posted(line))[0]?.body;

  test('is asked for in the words of what it shows', async () => {
    const said = [
      ...['--version v1', '--exclude shop', '--replace-first 1h', '--accept-unseen-use'],
      ...['--accept-outage shop', '--accept-source curl/8', '--no-dependents-known'],
    ];
    expect(await bodyOf(`plan acme/api --compromise ${said.join(' ')}`)).toEqual({
      ...{ kind: 'compromise', versions: ['v1'], exclude: ['shop'], replaceFirst: '1h' },
      ...{ acceptUnseenUse: true, noDependentsKnown: true },
      acceptOutage: { dependents: ['shop'], sources: [{ userAgent: 'curl/8' }] },
    });
    expect(await bodyOf('plan acme/api --compromise --leaked-before 2026-01-31')).toEqual({
      ...{ kind: 'compromise', leakedBefore: '2026-01-31T00:00:00.000Z' },
    });
    expect(await bodyOf('plan acme/api --revoke v1 v2')).toEqual({
      ...{ kind: 'revoke', versions: ['v1', 'v2'] },
    });
  });

  test('names the option that was said where it is refused', async () => {
    const problems = [{ path: 'versions', message: 'v9 is no live version of this secret' }];
    const refused = failing('body-invalid', { kind: 'invalid', problems });
    for (const [line, path] of [
      ['plan acme/api --revoke v9', '--revoke'],
      ['plan acme/api --compromise --version v9', '--version'],
    ] as const)
      await expect(posted(line, refused)).rejects.toMatchObject({ problems: [{ path }] });
  });
});

test('all versions and some of them: both are said, and the API refuses it', async () => {
  const [asked] = await posted('compromise acme/api --version all v3 --confirm revoke');
  expect(asked?.body).toMatchObject({ everyVersion: true, versions: ['v3'] });
  const [all] = await posted('compromise acme/api --version all --confirm revoke');
  expect(all?.body).toMatchObject({ everyVersion: true, versions: undefined });
});
