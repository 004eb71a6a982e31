/** AWS as moto plays it, stricter than it comes; every call is authenticated, and a restart forgets everything. */
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { packageRoot } from '../../../infra/package-root.js';
import { call, expectOk } from '../http.js';
import { pipPackage } from '../obtain/pip.js';
import type { Obtained, Sources } from '../obtain/sources.js';
import { credentialFile, logOf, serve } from '../serving.js';
import type { Address, Running, Site, Target } from '../target.js';

export interface MotoAddress extends Address {
  readonly url: string;
  readonly region: string;
  /** Of a user who may do everything; both are new after a restart. */
  readonly accessKeyIdFile: string;
  readonly secretAccessKeyFile: string;
}

const name = 'moto';
const version = '5.2.5';
const administrator = 'rotor-admin';
const everything = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
};

export const moto: Target<typeof name, MotoAddress> = { name, version, obtain, start };

/** The Python files lie beside the source: the compiler does not copy them. */
const beside = (file: string): string => join(packageRoot(), 'test', 'targets', 'moto', file);

async function obtain(sources: Sources): Promise<Obtained> {
  const wanted = [`moto[server]==${version}`, '--constraint', beside('constraints.txt')];
  return { place: await pipPackage(sources, { target: name, name, version, wanted }) };
}

async function start(site: Site): Promise<Running<MotoAddress>> {
  return serve({
    name,
    site,
    ports: 1,
    launch: ([port]) => ({
      command: 'python3',
      args: [beside('moto_strict.py'), '-H', '127.0.0.1', '-p', String(port)],
      environment: { PYTHONPATH: site.obtained.place },
    }),
    probe: ([port = 0]) => open(site, port),
  });
}

/** Makes the administrator while nobody is asked who they are, then has every call authenticated. */
async function open(site: Site, port: number): Promise<MotoAddress> {
  const url = `http://127.0.0.1:${String(port)}`;
  const iam = (words: Readonly<Record<string, string>>) => askIam(url, words);
  await iam({ Action: 'CreateUser', UserName: administrator });
  await iam({
    Action: 'PutUserPolicy',
    UserName: administrator,
    PolicyName: 'everything',
    PolicyDocument: JSON.stringify(everything),
  });
  const key = await iam({ Action: 'CreateAccessKey', UserName: administrator });
  const accessKeyIdFile = credentialFile(site, 'access-key-id', within(key, 'AccessKeyId'));
  const secret = within(key, 'SecretAccessKey');
  const secretAccessKeyFile = credentialFile(site, 'secret-access-key', secret);
  await expectOk(`${url}/moto-api/reset-auth`, { method: 'POST', body: '0' });
  const log = logOf(name, site);
  return {
    ...{ name, version: runningVersion(log), host: '127.0.0.1', port, url, log },
    ...{ region: 'us-east-1', accessKeyIdFile, secretAccessKeyFile },
  };
}

/** A conflict is fine: an earlier try came that far. */
async function askIam(url: string, words: Readonly<Record<string, string>>): Promise<string> {
  const scope = 'any/20200101/us-east-1/iam/aws4_request';
  const headers = {
    authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=any`,
    'content-type': 'application/x-www-form-urlencoded',
  };
  const body = new URLSearchParams({ Version: '2010-05-08', ...words }).toString();
  const { status, text } = await call(url, { method: 'POST', headers, body });
  if (status !== 200 && status !== 409) throw new Error(`moto answered ${String(status)}`);
  return text;
}

function within(xml: string, element: string): string {
  const value = new RegExp(`<${element}>([^<]+)</${element}>`).exec(xml)?.[1];
  if (value === undefined) throw new Error(`moto's answer has no ${element}`);
  return value;
}

/** The launcher prints it first: moto's own interface does not tell. */
function runningVersion(log: string): string {
  const found = [...readFileSync(log, 'utf8').matchAll(/^moto (\S+)$/gm)].at(-1)?.[1];
  if (found === undefined) throw new Error('moto has not told its version');
  return found;
}
