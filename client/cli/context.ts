/** What every command has: the API, the output, and names as people write them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RotorError } from '../../domain/errors.js';
import { Name } from '../../schemas/names.js';
import { addressFrom, openApi, type ApiClient } from '../http.js';
import { hiddenAfter } from './confirm.js';
import { openOutput, type Output } from './output.js';

export interface Context {
  readonly api: ApiClient;
  readonly output: Output;
}

/** Runs a command in its context; the number it gives is the exit code. */
export type Act = <A extends unknown[]>(
  work: (context: Context, ...args: A) => Promise<number | undefined | void>,
) => (...args: A) => Promise<void>;

export interface GlobalOptions {
  readonly json?: boolean;
}

export function openContext({ json = false }: GlobalOptions): Context {
  let api: ApiClient | undefined;
  return {
    // Looked for when it is first needed: a file is checked where there is none.
    get api() {
      api ??= openApi(addressFrom(process.env, localStart()));
      return api;
    },
    output: openOutput(json),
  };
}

/** What `npm start` left beside the program: its address, and the file of the first token. */
function localStart(): { url?: string; tokenFile?: string } {
  const folder =
    process.env['ROTOR_STATE'] ?? fileURLToPath(new URL('../../../.rotor', import.meta.url));
  const file = join(folder, 'api.json');
  if (!existsSync(file)) return {};
  return JSON.parse(readFileSync(file, 'utf8')) as { url?: string; tokenFile?: string };
}

/** `organization/name` as a path of the API. */
export function secretPath(name: string): string {
  const [organization, secret] = namePair(name, "a secret's name");
  return `/v1/secrets/${organization}/${secret}`;
}

/** Checked here: a path is built of it. */
export function namePair(text: string, what: string): readonly [string, string] {
  const [organization = '', name = '', ...more] = text.split('/');
  const valid = [organization, name].every((part) => Name.safeParse(part).success);
  if (valid && more.length === 0) return [organization, name];
  throw new RotorError('name-invalid', `"${text}" is not ${what}`, {
    kind: 'invalid',
    hint: 'write it as organization/name',
  });
}

/** Typed or pasted on a terminal, it is not shown there. What surrounds it is no part of it where it is only looked for. */
export async function valueToLookFor(): Promise<string> {
  if (!process.stdin.isTTY) return (await valueFromStdin()).trim();
  const typed = await hiddenAfter('The value, on one line (it is not shown): ');
  if (typed !== undefined && typed !== '') return typed;
  throw valueMissing();
}

/** A value comes by standard input only: arguments are seen by everybody on the machine. */
export async function valueFromStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Buffer));
  const value = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  if (value !== '') return value;
  throw valueMissing();
}

function valueMissing(): RotorError {
  return new RotorError('value-missing', 'no value came on standard input', { kind: 'invalid' });
}
