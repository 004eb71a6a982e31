import { afterEach, expect, jest, test } from '@jest/globals';
import { discover } from '../../client/cli/discover.js';
import { openOutput } from '../../client/cli/output.js';
import { recover } from '../../client/cli/recover.js';
import { sweep } from '../../client/cli/sweep.js';
import { untilEnded } from '../../client/cli/until-ended.js';
import type { ApiClient } from '../../client/http.js';

afterEach(() => void jest.restoreAllMocks());

const pace = { everyMs: 1, looks: 3 };
const begun = { workflowId: 'w', running: true };

/** Its work goes on for ever; a worker beats as it is told. */
function apiWith(beats: () => number): ApiClient {
  const get = (path: string): Promise<unknown> =>
    Promise.resolve(path === '/v1/heartbeat' ? { life: '1', beat: String(beats()) } : begun);
  return { get, post: () => Promise.resolve(begun) } as unknown as ApiClient;
}

const noWorker = {
  code: 'no-worker',
  kind: 'unavailable',
  hint: expect.stringContaining('npm start'),
};

test('where no worker is alive, discover, sweep and recover say so instead of waiting for ever', async () => {
  jest.spyOn(process.stderr, 'write').mockImplementation(() => true);
  const context = { api: apiWith(() => 7), output: openOutput(false) };
  await expect(discover(context, 'acme/api', pace)).rejects.toMatchObject(noWorker);
  await expect(sweep(context, { watch: true }, pace)).rejects.toMatchObject(noWorker);
  await expect(recover(context, { dryRun: true, without: [] }, pace)).rejects.toMatchObject(
    noWorker,
  );
});

test('a look at what recovering would do says where nothing was set back', async () => {
  const told = { outcome: 'dry-run', secrets: 1, rows: [], further: 0, notAsked: [] };
  const said = async (recovering: boolean): Promise<string> => {
    const write = jest.spyOn(process.stdout, 'write').mockImplementation(() => true);
    const ended = { workflowId: 'w', running: false, recovering, told };
    const post = (): Promise<unknown> => Promise.resolve(ended);
    const context = { api: { post } as unknown as ApiClient, output: openOutput(false) };
    await recover(context, { dryRun: true, without: [] }, pace);
    const text = write.mock.calls.join('');
    write.mockRestore();
    return text;
  };
  expect(await said(true)).toContain('nothing was done: rotor recover does it');
  expect(await said(false)).toContain('nothing says that the database was set back');
});

test('as long as a worker beats, what takes long is waited for', async () => {
  let looks = 0;
  const api = apiWith(() => Math.floor(looks++ / 3));
  const get = <T>(path: string): Promise<T> => {
    if (looks > 20 && path !== '/v1/heartbeat')
      return Promise.resolve({ workflowId: 'w', running: false } as T);
    return api.get<T>(path);
  };
  expect(await untilEnded({ get }, { begun, path: '/v1/x' }, pace)).toMatchObject({
    running: false,
  });
});
