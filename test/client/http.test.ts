import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { addressFrom, openApi, type ApiClient } from '../../client/http.js';

describe('an API that is reached, and hangs', () => {
  let server: Server;
  let api: ApiClient;
  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url === '/begins') response.writeHead(200).write('{"half":');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const limits = { answerMs: 200, silenceMs: 200 };
    api = openApi({ url: `http://127.0.0.1:${port}`, token: undefined }, limits);
  });
  afterAll(() => void server.closeAllConnections());
  afterAll(() => void server.close());

  test.each([
    ['before its answer', () => api.get('/v1/secrets'), 'no-answer'],
    ['within its answer', () => api.get('/begins'), 'no-answer'],
    ['where something is changed', () => api.post('/v1/secrets'), 'no-answer'],
    ['within an export', () => all(api.stream('/begins')), 'cut-off'],
  ])('is unavailable: %s', async (_what, ask, code) => {
    await expect(ask()).rejects.toMatchObject({ code, kind: 'unavailable' });
  });
});

async function all(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += Buffer.from(chunk).toString('utf8');
  return text;
}

test.each(['notaurl', 'ftp://rotor', '127.0.0.1:8080', ''])(
  'the address %p is refused, with what is expected',
  (url) => {
    const looked = () => addressFrom({ ROTOR_URL: url, ROTOR_TOKEN: 'x' }, {});
    expect(looked).toThrow(expect.objectContaining({ code: 'address-invalid', kind: 'invalid' }));
  },
);
