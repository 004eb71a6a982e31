import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { serverTime } from '../../issuers/openbao-approle/use.js';
import { openBao } from '../../reach/openbao.js';

/** As a server of a cluster answers that is not the active one (openbao.org/api-docs/system/health). */
test('the clock of a standby is read: it is not busy', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rotor-standby-'));
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, 'a-token', { mode: 0o600 });
  const standby = createServer(({ url = '' }, response) => {
    response.writeHead(url.includes('standbyok=true') ? 200 : 429);
    response.end(JSON.stringify({ standby: true, server_time_utc: 1_800_000_000 }));
  }).listen(0, '127.0.0.1');
  await once(standby, 'listening');
  const url = `http://127.0.0.1:${String((standby.address() as AddressInfo).port)}`;
  expect(await serverTime(openBao({ url, tokenFile }))).toEqual(new Date(1_800_000_000_000));
  standby.closeAllConnections();
  standby.close();
  rmSync(folder, { recursive: true });
});
