/** Where programs come from, and the error that tells what to do where one cannot be had. */
import { execFile } from 'node:child_process';
import { isNativeError } from 'node:util/types';
import { promisify, stripVTControlCharacters } from 'node:util';
import { cacheFolder } from '../../../infra/embedded/folders.js';
import { hasCode } from '../../../infra/error-code.js';

export interface Sources {
  /** Outside of the checkout: what is fetched once serves every checkout. */
  readonly cache: string;
  /** Where tools are looked for. */
  readonly path: string;
  readonly isRoot: boolean;
  readonly signal: AbortSignal;
}

export interface Obtained {
  /** A program, or the folder that holds it. */
  readonly place: string;
}

/** Those of this machine; the state folder holds the cache where nothing better can be written. */
export function machineSources(stateFolder: string, signal: AbortSignal): Sources {
  return {
    cache: cacheFolder(stateFolder, undefined),
    path: searchPath(),
    isRoot: process.getuid?.() === 0,
    signal,
  };
}

/** Servers lie where an ordinary user's PATH does not lead. */
export function searchPath(): string {
  return `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;
}

export interface Lack {
  readonly target: string;
  readonly tool: string;
  readonly why: string;
  /** What a person can type. */
  readonly command: string;
}

export function cannotObtain({ target, tool, why, command }: Lack, cause?: unknown): Error {
  return new Error(
    `target ${target} cannot be obtained. ${tool}: ${why}\nThis may help: ${command}`,
    { cause },
  );
}

interface Tool {
  readonly target: string;
  readonly command: string;
  readonly args: readonly string[];
  /** What installs the tool itself. */
  readonly install: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs a tool to its end and gives what it printed; the error says whether it is missing or what it complained of. */
export async function runTool(sources: Sources, tool: Tool): Promise<string> {
  const { command, args } = tool;
  const env = { ...process.env, ...tool.environment, PATH: sources.path };
  const options = { env, signal: sources.signal, maxBuffer: 64 << 20 };
  try {
    return (await promisify(execFile)(command, args, options)).stdout;
  } catch (cause) {
    sources.signal.throwIfAborted();
    const isMissing = hasCode(cause, 'ENOENT');
    const lack = {
      target: tool.target,
      tool: command,
      why: isMissing ? 'not found on PATH' : complaint(cause),
      command: isMissing ? tool.install : [command, ...args].join(' '),
    };
    throw cannotObtain(lack, cause);
  }
}

/** The lines that it calls errors, the first ones; else the last ones, where most tools tell their reason. */
function complaint(error: unknown): string {
  if (!isNativeError(error)) return String(error);
  const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string };
  const printed = stripVTControlCharacters(`${stdout}\n${stderr}`);
  const lines = printed.split('\n').filter((line) => line.trim() !== '');
  const errors = lines.filter((line) => /^\W*(error|e:)/i.test(line)).slice(0, 3);
  const telling = errors.length > 0 ? errors : lines.slice(-3);
  return telling.length === 0 ? error.message : telling.join('\n');
}
