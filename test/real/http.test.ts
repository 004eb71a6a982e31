import { copyFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SecretValue } from '../../domain/secret-value.js';
import { http } from '../../issuers/http/index.js';
import { contextOf } from '../issuers/context.js';
import { logIn, optionsFor, sampleTraits, startSample } from '../issuers/own-server.js';
import { describeWholeLife } from './whole-life.js';

describeWholeLife(
  'http, from the first day to a leak',
  async () => {
    const sample = await startSample();
    const specification = { principal: 'app' };
    return {
      issuer: (folder) => {
        const tokenFile = join(folder, 'issuer.token');
        copyFileSync(sample.tokenFile, tokenFile);
        return { kind: 'http', url: sample.url, tokenFile, traits: sampleTraits };
      },
      specification,
      first: async () => {
        const value = randomUUID();
        const secret = { secretId: randomUUID(), name: 'acme/old', specification };
        await http.open(optionsFor(sample, sample.url), contextOf('by-hand')).mint({
          secret,
          versionId: 'by-hand',
          tag: 'by-hand/by-hand',
          value: new SecretValue(value),
          expiresAt: undefined,
        });
        return value;
      },
      use: (value, program) => logIn(sample, value, program),
      shown: {
        as: (program) => ({ userAgent: program }),
        stay: (value, program) => {
          let stays = true;
          const logins = (async () => {
            while (stays) {
              await logIn(sample, value, program);
              await pause(50);
            }
          })();
          const leave = (): Promise<void> => {
            stays = false;
            return logins;
          };
          return Promise.resolve({ leave });
        },
      },
      restart: () => sample.restart(),
      close: () => sample.stop(),
    };
  },
  { keeps: true, shows: true },
);
