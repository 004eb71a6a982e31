/** What age closes and opens: by the identities in a file, which is read each time. Its library is loaded with the first value. */
import { AdapterError } from '../../domain/errors.js';
import { readSecretFile } from '../../reach/secret-file.js';

export interface Box {
  close(text: string): Promise<Uint8Array>;
  /** Throws `unreadable` where no identity opens it, or a bit of it was changed. */
  open(bytes: Uint8Array): Promise<string>;
}

export interface BoxKeys {
  readonly identityFile: string;
  readonly recipients?: readonly string[] | undefined;
}

export function openBox({ identityFile, recipients }: BoxKeys): Box {
  const identities = (): readonly string[] => {
    const lines = readSecretFile(identityFile).reveal().split('\n');
    const found = lines.map((line) => line.trim()).filter((line) => line.startsWith('AGE-SECRET-'));
    if (found.length > 0) return found;
    throw new AdapterError(
      'not-permitted',
      `${identityFile} holds no identity: age-keygen makes one`,
    );
  };
  return {
    close: async (text) => {
      const { Encrypter } = await import('age-encryption');
      const encrypter = new Encrypter();
      for (const recipient of recipients ?? [await ownRecipient(identities())])
        encrypter.addRecipient(recipient);
      return encrypter.encrypt(text);
    },
    open: async (bytes) => {
      const { Decrypter } = await import('age-encryption');
      const decrypter = new Decrypter();
      for (const identity of identities()) decrypter.addIdentity(identity);
      try {
        return await decrypter.decrypt(bytes, 'text');
      } catch {
        throw new AdapterError(
          'unreadable',
          `no identity in ${identityFile} opens the value, or its file was changed`,
        );
      }
    },
  };
}

async function ownRecipient([first = '']: readonly string[]): Promise<string> {
  const { identityToRecipient } = await import('age-encryption');
  return identityToRecipient(first);
}
