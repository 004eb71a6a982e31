import { afterEach, expect, jest, test } from '@jest/globals';
import { longestUnknownMs, openConnections } from '../../issuers/rabbitmq-user/connections.js';
import type { Management } from '../../issuers/rabbitmq-user/management.js';

afterEach(() => {
  jest.restoreAllMocks();
});

const [real, leftover] = ['10.0.0.1:40 -> 10.0.0.9:5672', '10.0.0.2:41 -> 10.0.0.9:5672'];

/** As 3.10 answers: `leftover` came and went within moments. */
function server({ keepsStatistics }: { readonly keepsStatistics: boolean }): Management {
  const answers: Readonly<Record<string, unknown>> = {
    'connections/username/app': [{ name: real }, { name: leftover }],
    connections: keepsStatistics ? [{ name: real, connected_at: 1 }] : [{ name: real }],
    overview: { disable_stats: !keepsStatistics },
  };
  return { ask: ({ path }) => Promise.resolve({ status: 200, body: answers[path.join('/')] }) };
}

async function seenThenAndLater(keepsStatistics: boolean): Promise<string[][]> {
  const connections = openConnections(server({ keepsStatistics }));
  const look = async (): Promise<string[]> => (await connections.of('app')).map(({ id }) => id);
  const first = await look();
  const later = Date.now() + longestUnknownMs + 1;
  jest.spyOn(Date, 'now').mockReturnValue(later);
  return [first, await look()];
}

test('what the statistics do not come to know is no connection', async () => {
  expect(await seenThenAndLater(true)).toEqual([[real, leftover], [real]]);
});

test('where there are no statistics, all count', async () => {
  expect(await seenThenAndLater(false)).toEqual([
    [real, leftover],
    [real, leftover],
  ]);
});
