import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../../infra/package-root.js';
import { target, targetPatience } from '../client.js';
import { machineSources } from '../obtain/sources.js';
import { moto } from './index.js';

test(
  'moto knows who asks, refuses an inactive key, and reads what AWSCURRENT was moved to',
  async () => {
    const { url, region, accessKeyIdFile, secretAccessKeyFile } = await target('moto');
    const sources = machineSources(tmpdir(), new AbortController().signal);
    const script = join(packageRoot(), 'test', 'targets', 'moto', 'moto_answers.py');
    const name = `strict-${randomUUID()}`;
    const asked = [script, url, region, accessKeyIdFile, secretAccessKeyFile, name];
    const env = { ...process.env, PYTHONPATH: (await moto.obtain(sources)).place };
    const { stdout } = await promisify(execFile)('python3', asked, { env });
    expect(JSON.parse(stdout)).toEqual({
      active: name,
      inactive: 'InvalidClientTokenId',
      'active again': name,
      'wrong secret': 'SignatureDoesNotMatch',
      'before the move': 'first',
      'after the move': 'second',
    });
  },
  targetPatience,
);
