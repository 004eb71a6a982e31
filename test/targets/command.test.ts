import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { processIdentity } from '../../infra/embedded/process-identity.js';
import { targetPatience } from './client.js';
import { findDaemon } from './daemon.js';

const script = join(import.meta.dirname, 'command-process.js');

describe('npm run targets', () => {
  let state: string;
  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), `rotor-test-${String(process.pid)}-`));
  });
  afterEach(() => {
    run(['stop']);
    rmSync(state, { recursive: true });
  });

  interface Ran {
    readonly code: number | null;
    readonly text: string;
  }

  const environment = (): NodeJS.ProcessEnv => ({
    ...process.env,
    NODE_OPTIONS: '',
    ROTOR_STATE: state,
  });

  function run(words: readonly string[], path = process.env['PATH']): Ran {
    const options = { env: { ...environment(), PATH: path }, encoding: 'utf8' } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...words], options);
    return { code: status, text: stdout + stderr };
  }

  const daemon = () => findDaemon(join(state, 'targets.json'));
  const portIn = (text: string): number => Number(/redis .* 127\.0\.0\.1:(\d+) /.exec(text)?.[1]);

  async function answers(port: number): Promise<boolean> {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return true;
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  }

  /** Command lines that name the folder. */
  function processesOf(folder: string): string[] {
    const { stdout } = spawnSync('ps', ['-A', '-ww', '-o', 'args='], { encoding: 'utf8' });
    return stdout.split('\n').filter((line) => line.includes(folder));
  }

  test(
    'starts those that are named once, tells what runs, adds another, and stops all',
    async () => {
      expect(run(['status']).text).toContain('nothing runs');
      const first = run(['start', 'redis']);
      expect(first).toMatchObject({ code: 0, text: expect.stringMatching(/^redis +\d+\.\d+/m) });
      for (const line of first.text.split('\n')) {
        if (!line.startsWith('credentials')) expect(line.length).toBeLessThanOrEqual(80);
      }
      const port = portIn(first.text);
      expect(portIn(run(['start', 'openbao', 'redis']).text)).toBe(port);
      const { code, text } = run(['status']);
      expect([code, portIn(text)]).toEqual([0, port]);
      expect(text).toMatch(/^openbao +2\.7\.2 +http:/m);
      const folder = daemon()?.folder ?? '';
      expect(processesOf(folder).length).toBeGreaterThan(1);
      expect(run(['stop'])).toEqual({ code: 0, text: 'stopped: redis, openbao\n' });
      expect([daemon(), await answers(port), existsSync(folder)]).toEqual([
        undefined,
        false,
        false,
      ]);
      expect(processesOf(folder)).toEqual([]);
      expect(run(['stop'])).toEqual({ code: 0, text: 'nothing runs\n' });
    },
    targetPatience,
  );

  test('says why one cannot be had, and keeps nothing running for it', async () => {
    const { code, text } = run(['start', 'openbao'], mkdtempSync(join(state, 'empty-')));
    expect(code).toBe(1);
    expect(text).toMatch(/^openbao +failed *\n\ntarget openbao cannot be obtained\. python3: not/m);
    while (daemon() !== undefined) await pause(20);
  });

  test(
    'leaves nothing behind where it is interrupted while starting',
    async () => {
      const words = [script, 'start', 'redis', 'keycloak'];
      const child = spawn(process.execPath, words, { env: environment(), stdio: 'pipe' });
      let text = '';
      child.stdout.on('data', (part) => (text += String(part)));
      while (!text.includes('redis ')) await pause(20);
      const { folder = '', pid = 0 } = daemon() ?? {};
      child.kill('SIGINT');
      expect(await once(child, 'exit')).toEqual([130, null]);
      expect(text).not.toContain('keycloak ');
      expect([processIdentity(pid), existsSync(folder)]).toEqual([undefined, false]);
      expect(processesOf(folder)).toEqual([]);
    },
    targetPatience,
  );

  test(
    'outlives a background process that was killed: its servers end, and a new start cleans up',
    async () => {
      const { text } = run(['start', 'redis']);
      const { pid = 0, folder = '' } = daemon() ?? {};
      process.kill(pid, 'SIGKILL');
      while (await answers(portIn(text))) await pause(50);
      expect(run(['status']).text).toContain('nothing runs');
      expect(run(['start', 'redis']).code).toBe(0);
      expect(existsSync(folder)).toBe(false);
    },
    targetPatience,
  );

  test.each([[[]], [['begin']], [['start', 'nothing']], [['stop', 'redis']]])(
    'shows its usage for %j',
    (words: readonly string[]) => {
      const { code, text } = run(words);
      expect([code, text]).toEqual([2, expect.stringContaining('Example: npm run targets start')]);
    },
  );
});
