import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { openInstallation, type Installation } from './installation.js';
import { pointsOfCompromise } from './kill-points.js';
import { openKillable, type Killable } from './killable.js';
import { surviveKill } from './killed-worker.js';

describe('the worker is killed (SIGKILL)', () => {
  let installation: Installation;
  let worker: Killable;

  beforeAll(async () => {
    installation = await openInstallation();
    installation.start('api');
    worker = openKillable(installation, 'worker');
    await installation.ready();
  });
  afterAll(() => installation.close());

  for (const point of pointsOfCompromise) {
    test(`at ${point} of a compromise: it completes, nothing is lost`, async () => {
      await surviveKill(installation, worker, { kind: 'compromise', point });
    });
  }
});
