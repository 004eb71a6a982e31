import { describe, expect, test } from '@jest/globals';
import { existsSync, statSync } from 'node:fs';
import { target, targetPatience } from './client.js';
import { targets } from './index.js';

// All of them: target('keycloak') among them, which is found here, and begun with the run.
describe.each(targets)('$name', ({ name, version }) => {
  test(
    'answers on loopback with the version that is wanted, and keeps its credentials to us',
    async () => {
      const address = await target(name);
      const pinned = version === 'of the distribution' ? /^\d+\.\d+/ : new RegExp(`^${version}$`);
      expect(address.version).toMatch(pinned);
      expect(address.host).toBe('127.0.0.1');
      expect(existsSync(address.log)).toBe(true);
      const files = Object.entries(address).filter(([field]) => field.endsWith('File'));
      expect(files.length).toBeGreaterThan(0);
      for (const [, file] of files) expect(statSync(String(file)).mode & 0o777).toBe(0o600);
      expect(await target(name)).toEqual(address);
    },
    targetPatience,
  );
});
