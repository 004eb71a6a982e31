/** A chat's incoming webhook: its URL is a secret, and so it comes by a file. */
import { z } from 'zod';
import { AdapterError } from '../../domain/errors.js';
import { checkPlace, postJson } from '../../reach/request.js';
import { readSecretFile } from '../../reach/secret-file.js';
import { SendTimeout, within, type Channel, type Message } from './kind.js';

export const ChatOptions = z.strictObject({
  urlFile: z.string().min(1).describe("a file of mode 0600: the incoming webhook's URL"),
  allowHosts: z.array(z.string().toLowerCase()).default([]),
  timeoutMs: SendTimeout,
});
type ChatOptions = z.output<typeof ChatOptions>;

export function openChat(
  { urlFile, allowHosts, timeoutMs }: ChatOptions,
  bodyOf: (message: Message) => unknown,
): Channel {
  return {
    send: async (message, given) => {
      const body = JSON.stringify(bodyOf(message));
      const signal = within(timeoutMs, given);
      await postJson(readUrl(urlFile), body, {
        allowHosts,
        signal,
        headers: {},
      });
    },
    check: async (given) => {
      const url = readUrl(urlFile);
      await checkPlace(url, { allowHosts, signal: within(timeoutMs, given) });
      return `to ${url.host}`;
    },
  };
}

/** Each time: somebody may have put another there. */
function readUrl(file: string): URL {
  const text = readSecretFile(file).reveal();
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return new URL(text);
  throw new AdapterError('not-permitted', `${file} does not hold a URL`);
}
