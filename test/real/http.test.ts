import { copyFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { SecretValue } from '../../domain/secret-value.js';
import { http } from '../../issuers/http/index.js';
import type { Row } from '../faults/installation.js';
import { contextOf } from '../issuers/context.js';
import { logIn, optionsFor, sampleTraits, startSample } from '../issuers/own-server.js';
import { describeWholeLife } from './whole-life.js';

describeWholeLife(
  'http, whose clock is two minutes ahead, from the first day to a leak',
  async () => {
    const sample = await startSample({ aheadMs: 120_000 });
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
  {
    keeps: true,
    shows: true,
    also: (living) => {
      test('the doctor and the plan say so of its clock', async () => {
        const { api } = living().scene.installation;
        const checks = await api.get<Row[]>('/v1/checks');
        const { told } = checks.find(({ part }) => part === 'issuer real') ?? {};
        expect(told).toMatch(/the issuer's clock is (2m|1m 59s) ahead of the database's$/);
        const plan = await api.post<{ warnings: Row[] }>('/v1/secrets/acme/real/plan', {
          kind: 'rotate',
        });
        expect(plan.warnings.map(({ code }) => code)).toContain('clocks-differ');
      });
    },
  },
);
