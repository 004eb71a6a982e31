/** The sample server of the issuer `http` in a process of its own, and something on the way to it that meddles. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SecretValue } from '../../domain/secret-value.js';
import { packageRoot } from '../../infra/package-root.js';
import { http } from '../../issuers/http/index.js';
import type { PreparedIssuer } from '../contracts/hold-to-issuer.js';
import { contextOf } from './context.js';

export interface Sample {
  readonly url: string;
  readonly tokenFile: string;
  readonly folder: string;
  /** By SIGKILL, in the middle of whatever it does. */
  kill(): Promise<void>;
  /** On the same port, with what it has kept. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export const sampleTraits = {
  overlap: 'many',
  valueChosenBy: 'ours',
  useRecord: 'exact',
  seesRefusals: true,
  tellsProbesApart: true,
} as const;

/** Its clock differs from ours by so much. */
function shifted(aheadMs: number): string[] {
  const script = `const Real = Date; globalThis.Date = class extends Real {
    constructor(...given) { given.length > 0 ? super(...given) : super(Real.now() + ${aheadMs}); }
    static now() { return Real.now() + ${aheadMs}; } };`;
  return ['--import', `data:text/javascript,${encodeURIComponent(script)}`];
}

export async function startSample({ aheadMs = 0 } = {}): Promise<Sample> {
  const folder = mkdtempSync(join(tmpdir(), 'rotor-own-server-'));
  const token = randomUUID();
  const tokenFile = join(folder, 'issuer.token');
  writeFileSync(tokenFile, token, { mode: 0o600 });
  const script = join(packageRoot(), 'issuers', 'http', 'sample', 'server.mjs');
  const run = async (port: string): Promise<[ChildProcess, string]> => {
    const clock = aheadMs === 0 ? [] : shifted(aheadMs);
    const args = [...clock, script, port, join(folder, 'state.json'), token];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    return [child, line.toString('utf8').trim()];
  };
  let [child, url] = await run('0');
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  return {
    url,
    tokenFile,
    folder,
    kill,
    restart: async () => {
      await kill();
      [child, url] = await run(new URL(url).port);
    },
    stop: async () => {
      await kill();
      rmSync(folder, { recursive: true });
    },
  };
}

export function optionsFor(
  { tokenFile }: Pick<Sample, 'tokenFile'>,
  url: string,
  more: object = {},
): ReturnType<typeof http.options.parse> {
  return http.options.parse({ url, tokenFile, traits: sampleTraits, ...more });
}

export function subjectAt(sample: Sample, url = sample.url): PreparedIssuer {
  const installation = randomUUID();
  const specification = { principal: `app-${randomUUID()}` };
  const secret = { secretId: randomUUID(), name: 'acme/app', specification };
  const issuer = http.open(optionsFor(sample, url), contextOf(installation));
  return {
    issuer,
    secret,
    installation,
    use: (value, name) => logIn(sample, value, name),
    plant: async () => {
      const other = http.open(optionsFor(sample, sample.url), contextOf(randomUUID()));
      const value = new SecretValue(randomUUID());
      const versionId = randomUUID();
      const tag = `${randomUUID()}/${versionId}`;
      const minted = await other.mint({ secret, versionId, tag, value, expiresAt: undefined });
      return minted.credentialId;
    },
    close: () => Promise.resolve(),
  };
}

/** As a program does: false where it is refused, throws where the server is away. */
export async function logIn({ url }: Sample, value: string, program: string): Promise<boolean> {
  const { status } = await fetch(`${url}/login`, {
    method: 'POST',
    headers: { 'user-agent': program },
    body: JSON.stringify({ value }),
  });
  if (status === 200 || status === 401) return status === 200;
  throw new Error(`the server answered ${status}`);
}

export interface Exchange {
  readonly method: string;
  readonly path: string;
  /** What was asked, as JSON. */
  readonly asked: Readonly<Record<string, unknown>>;
  /** Asks the server, with this instead of what was asked, where it is given. */
  pass(asked?: object): Promise<Answered>;
}

export interface Answered {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Gives the answer; undefined: the connection is cut. */
export type Meddle = (exchange: Exchange) => Promise<Answered | undefined>;

/** Something on the way to the server that meddles, for as long as the work takes. */
export async function meddled<T>(
  { url }: Pick<Sample, 'url'>,
  meddle: Meddle,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const server: Server = createServer((request, response) => {
    void exchangeOf(url, request)
      .then(meddle)
      .catch(() => undefined)
      .then((answered) => {
        if (answered === undefined) return request.socket.destroy();
        response.writeHead(answered.status, { 'content-type': 'application/json' });
        return response.end(JSON.stringify(answered.body));
      });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    return await work(`http://127.0.0.1:${String(port)}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function exchangeOf(url: string, request: IncomingMessage): Promise<Exchange> {
  const { method = 'GET', url: path = '/', headers } = request;
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  const asked = (text === '' ? {} : JSON.parse(text)) as Exchange['asked'];
  const authorization = headers.authorization ?? '';
  const pass = async (instead: object = asked): Promise<Answered> => {
    const body = method === 'GET' ? {} : { body: JSON.stringify(instead) };
    const reply = await fetch(url + path, { method, headers: { authorization }, ...body });
    const said = await reply.text();
    return { status: reply.status, body: said === '' ? {} : (JSON.parse(said) as object as never) };
  };
  return { method, path, asked, pass };
}
