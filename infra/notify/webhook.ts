/** A receiver of your own: events as JSON, in a signed POST. */
import { z } from 'zod';
import { checkPlace, postSigned } from '../../reach/request.js';
import { readSecretFile } from '../../reach/secret-file.js';
import { channelKind, SendTimeout, within, type Channel } from './kind.js';
import { bodyOf } from './text.js';

const Options = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  keyFile: z.string().min(1).describe('a file of mode 0600: the key that requests are signed with'),
  allowHosts: z.array(z.string().toLowerCase()).default([]),
  timeoutMs: SendTimeout,
});
type Options = z.output<typeof Options>;

/** Below that it could be guessed from one signed request. */
const shortestKey = 16;

export const webhook = channelKind({ kind: 'webhook', options: Options, open });

function open({ url: written, keyFile, allowHosts, timeoutMs }: Options): Channel {
  // Each time: somebody may have put another there.
  const readKey = (): Buffer => Buffer.from(readSecretFile(keyFile, shortestKey).reveal());
  const url = new URL(written);
  return {
    send: async (message, given) => {
      const headers = { 'rotor-event': message.id };
      const signal = within(timeoutMs, given);
      const key = readKey();
      await postSigned(url, bodyOf(message), { allowHosts, key, signal, headers });
    },
    check: async (given) => {
      readKey();
      await checkPlace(url, { allowHosts, signal: within(timeoutMs, given) });
      return `signed, to ${url.host}`;
    },
  };
}
