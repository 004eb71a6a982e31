/** Keycloak from Maven, built once for its features, so that a start takes seconds; it keeps its data over a restart. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expectOk } from './http.js';
import { cachedFolder } from './obtain/cached.js';
import { sha256 } from './obtain/pip.js';
import { cannotObtain, runTool, type Obtained, type Sources } from './obtain/sources.js';
import { credentialFile, logOf, readCredential, serve } from './serving.js';
import type { Address, Running, Site, Target } from './target.js';

export interface KeycloakAddress extends Address {
  readonly url: string;
  /** The administrator is one of this realm. */
  readonly realm: string;
  readonly user: string;
  readonly passwordFile: string;
}

const name = 'keycloak';
const version = '26.7.3';
const administrator = 'rotor-admin';
const copy = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy';
const artifact = `org.keycloak:keycloak-quarkus-dist:${version}:zip`;
const known = '27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f';
const features = 'client-secret-rotation';

export const keycloak: Target<typeof name, KeycloakAddress> = { name, version, obtain, start };

async function obtain(sources: Sources): Promise<Obtained> {
  const place = await cachedFolder(sources.cache, `${name}-${version}`, async (draft) => {
    await unpack(sources, draft);
    const args = [...java(draft), 'build', '--db=dev-file', `--features=${features}`];
    await runTool(sources, { target: name, command: 'java', args, install: installJava });
  });
  // Where the folder is there already, the start still needs it.
  await runTool(sources, {
    target: name,
    command: 'java',
    args: ['-version'],
    install: installJava,
  });
  return { place };
}

const install = 'apt-get install -y --no-install-recommends';
const installJava = `${install} openjdk-17-jdk-headless`;

async function unpack(sources: Sources, draft: string): Promise<void> {
  const tool = { target: name, install: `${install} maven` };
  const args = ['-q', '-B', copy, `-Dartifact=${artifact}`, `-DoutputDirectory=${draft}`];
  await runTool(sources, { ...tool, command: 'mvn', args });
  const zip = join(draft, `keycloak-quarkus-dist-${version}.zip`);
  const found = await sha256(zip);
  if (found !== known) {
    const why = `${artifact} has hash ${found}, not ${known}`;
    const command = 'compare it with the release, then change the hash in test/targets/keycloak.ts';
    throw cannotObtain({ target: name, tool: 'mvn', why, command });
  }
  await runTool(sources, {
    target: name,
    command: 'python3',
    args: ['-m', 'zipfile', '-e', zip, draft],
    install: `${install} python3`,
  });
  rmSync(zip);
}

/** What bin/kc.sh comes to; that script stays the parent of the server, which would outlive it. */
function java(folder: string, home = join(folder, `keycloak-${version}`)): string[] {
  const opened = ['util', 'util.concurrent', 'security', 'lang'];
  return [
    ...['-Xms64m', '-Xmx512m', '-XX:MaxMetaspaceSize=256m', '-XX:TieredStopAtLevel=1'],
    '-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory',
    '-Djava.util.logging.manager=org.jboss.logmanager.LogManager',
    '-Dfile.encoding=UTF-8',
    ...opened.map((part) => `--add-opens=java.base/java.${part}=ALL-UNNAMED`),
    ...[`-Dkc.home.dir=${home}`, `-Djboss.server.config.dir=${join(home, 'conf')}`],
    ...[
      '-cp',
      join(home, 'lib', 'quarkus-run.jar'),
      'io.quarkus.bootstrap.runner.QuarkusEntryPoint',
    ],
  ];
}

async function start(site: Site): Promise<Running<KeycloakAddress>> {
  const passwordFile = join(site.folder, 'password');
  if (!existsSync(passwordFile))
    credentialFile(site, 'password', randomBytes(24).toString('base64url'));
  const home = ownHome(site);
  // Without a delay of zero a kill would lose what was written in the last half second.
  const database = `jdbc:h2:file:${join(home, 'data', 'keycloak')};NON_KEYWORDS=VALUE;WRITE_DELAY=0`;
  const options = ['--http-enabled=true', '--hostname-strict=false', '--http-host=127.0.0.1'];
  options.push('--cache=local', `--db-url=${database}`);
  return serve({
    name,
    site,
    ports: 1,
    patience: 180_000,
    launch: ([port]) => ({
      command: 'java',
      args: [
        ...java(site.obtained.place, home),
        'start',
        '--optimized',
        ...options,
        `--http-port=${String(port)}`,
      ],
      environment: {
        KC_BOOTSTRAP_ADMIN_USERNAME: administrator,
        KC_BOOTSTRAP_ADMIN_PASSWORD: readCredential(passwordFile),
      },
    }),
    probe: ([port = 0]) => open(site, port),
  });
}

/** The parts that it reads are links to the cache; what it writes is the site's. */
function ownHome(site: Site): string {
  const home = join(site.folder, 'home');
  if (existsSync(home)) return home;
  mkdirSync(join(home, 'data'), { recursive: true, mode: 0o700 });
  for (const part of ['lib', 'conf', 'providers', 'themes'])
    symlinkSync(join(site.obtained.place, `keycloak-${version}`, part), join(home, part));
  return home;
}

async function open(site: Site, port: number): Promise<KeycloakAddress> {
  const url = `http://127.0.0.1:${String(port)}`;
  const passwordFile = join(site.folder, 'password');
  const login = new URLSearchParams({
    grant_type: 'password',
    client_id: 'admin-cli',
    username: administrator,
    password: readCredential(passwordFile),
  });
  const token = `${url}/realms/master/protocol/openid-connect/token`;
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const given = await expectOk(token, { method: 'POST', headers, body: login.toString() });
  const { access_token: bearer } = JSON.parse(given) as { access_token: string };
  const told = await expectOk(`${url}/admin/serverinfo`, {
    headers: { authorization: `Bearer ${bearer}` },
  });
  const { systemInfo } = JSON.parse(told) as { systemInfo: { version: string } };
  return {
    ...{ name, version: systemInfo.version, host: '127.0.0.1', port, url },
    ...{ realm: 'master', user: administrator, passwordFile, log: logOf(name, site) },
  };
}
