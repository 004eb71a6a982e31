/** What systemd-creds closes and opens: values by standard input and output, never as arguments. */
import { AdapterError } from '../../domain/errors.js';
import { runProgram } from '../../reach/program.js';

export interface Creds {
  /** The text of an encrypted credential. */
  close(name: string, value: string, signal: AbortSignal | undefined): Promise<string>;
  open(name: string, text: string, signal?: AbortSignal): Promise<string>;
}

export interface CredsOptions {
  readonly systemdCreds: string;
  readonly key: string;
  readonly timeoutMs: number;
}

export function openCreds({ systemdCreds: executable, key, timeoutMs }: CredsOptions): Creds {
  const run = async (
    args: readonly string[],
    input: string,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> => {
    const asked = { executable, args: [...args, '-', '-'], environment: {}, timeoutMs };
    const { exitCode, output } = await runProgram({ ...asked, input, signal });
    return exitCode === 0 ? output : undefined;
  };
  return {
    close: async (name, value, signal) => {
      const text = await run(['encrypt', `--with-key=${key}`, `--name=${name}`], value, signal);
      if (text !== undefined && text.trim() !== '') return text;
      throw new AdapterError(
        'refused',
        `systemd-creds does not encrypt ${name}: may rotor read the key of this machine?`,
      );
    },
    open: async (name, text, signal) => {
      const value = await run(['decrypt', '--newline=no', `--name=${name}`], text, signal);
      if (value !== undefined) return value;
      // Not `unreadable`, which would be written over: it may be a credential of somebody else.
      throw new AdapterError(
        'refused',
        `systemd-creds does not decrypt the credential ${name}: is it of this machine and name, and may rotor read its key?`,
      );
    },
  };
}
