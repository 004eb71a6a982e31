import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { openJsonApi } from '../../reach/json-api.js';

type Answering = (response: ServerResponse) => void;

/** Of an answer of 100 bytes the first are sent. */
const begin: Answering = (response) => {
  response.writeHead(200, { 'content-length': 100 }).write('{"value":');
};

const breakOff: Answering = (response) => {
  begin(response);
  setImmediate(() => response.destroy());
};

const sayHalf: Answering = (response) => {
  response.end('{"value":');
};

test.each([
  ['stops in the middle', 'timed-out', begin],
  ['breaks off in the middle', 'unreachable', breakOff],
  ['is not JSON', 'bad-reply', sayHalf],
] as const)('an answer that %s is "%s"', async (_, code, answer) => {
  const server: Server = createServer((request, response) => {
    request.resume();
    answer(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const timeoutMs = code === 'timed-out' ? 300 : 10_000;
  const api = openJsonApi({ url, who: 'the server', timeoutMs });
  await expect(api.call({ method: 'GET', path: '/' })).rejects.toMatchObject({
    name: 'AdapterError',
    code,
  });
  server.closeAllConnections();
  server.close();
});
