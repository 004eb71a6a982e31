import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { openInstallation, type Installation } from './installation.js';
import { pointsOfRotation } from './kill-points.js';
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

  for (const point of pointsOfRotation) {
    test(`at ${point} of a rotation: it completes, nothing is lost, nobody is refused`, async () => {
      await surviveKill(installation, worker, { kind: 'rotate', point });
    });
  }
});
