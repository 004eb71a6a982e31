import { copyFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { http } from '../../issuers/http/index.js';
import { SecretValue } from '../../domain/secret-value.js';
import { contextOf } from '../issuers/context.js';
import { optionsFor, sampleTraits, startSample, type Sample } from '../issuers/own-server.js';
import { describeWholeLife } from './whole-life.js';

/** Less than the server tells: the scene says of no program how it is recognized. */
const traits = { ...sampleTraits, useRecord: 'absent', seesRefusals: false };

let sample: Sample;
afterAll(() => sample.stop());

describeWholeLife('http, from the first day to a leak', async () => {
  sample = await startSample();
  const specification = { principal: 'app' };
  return {
    issuer: (folder) => {
      const tokenFile = join(folder, 'issuer.token');
      copyFileSync(sample.tokenFile, tokenFile);
      return { kind: 'http', url: sample.url, tokenFile, traits };
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
    use: async (value, name) => {
      const { status } = await fetch(`${sample.url}/login`, {
        method: 'POST',
        headers: { 'user-agent': name },
        body: JSON.stringify({ value }),
      });
      return status === 200;
    },
  };
});
