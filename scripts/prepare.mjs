/** Makes a checkout runnable: installs, compiles and bundles what changed, and nothing else. Needs Node's built-ins only. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { holdLock } from './lock.mjs';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => join(root, ...parts);
const read = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : '');
const hash = (parts) => createHash('sha256').update(parts.join('\n')).digest('hex');

/** A part of the preparation that failed; its output was printed already. */
export class PrepareFailed extends Error {}

/** @returns when node_modules, dist/ and the workflow bundle match the sources; throws PrepareFailed otherwise */
export async function prepare() {
  if (isInstalled() && isCompiled() && isBundled()) return;
  const release = await holdLock(at('.rotor', 'prepare.lock'));
  try {
    if (!isInstalled()) install();
    if (!isCompiled()) compile();
    if (!isBundled()) await bundle();
  } finally {
    release();
  }
}

const installStamp = at('node_modules', '.rotor-installed');

function wantedInstall() {
  const major = process.versions.node.split('.')[0];
  return hash([read(at('package-lock.json')), major, process.platform, process.arch]);
}

function isInstalled() {
  if (!existsSync(at('node_modules'))) return false;
  const stamp = read(installStamp);
  if (stamp !== '') return stamp === wantedInstall();
  if (!isInstalledByHand()) return false;
  writeFileSync(installStamp, wantedInstall());
  return true;
}

/** Somebody ran npm ci: what lies there is compared with the lock file, development packages included. */
function isInstalledByHand() {
  const wanted = Object.entries(JSON.parse(read(at('package-lock.json'))).packages);
  return wanted.every(([path, { optional, version }]) => {
    if (path === '' || optional) return true;
    const found = read(at(path, 'package.json'));
    return found !== '' && JSON.parse(found).version === version;
  });
}

function install() {
  console.error('installing packages (npm ci) ...');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  runQuietly('npm ci', npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(installStamp, wantedInstall());
}

function runQuietly(what, command, args) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 });
  if (result.status === 0) return;
  process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
  throw new PrepareFailed(result.error ? `${what}: ${result.error.message}` : `${what} failed`);
}

const compileStamp = at('dist', '.compiled');

function sourceFolders() {
  return JSON.parse(read(at('tsconfig.json'))).include;
}

function isSource(file) {
  return file.endsWith('.ts') && !file.endsWith('.d.ts');
}

function sources() {
  return sourceFolders().flatMap((folder) => filesBelow(at(folder)).filter(isSource));
}

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

function wantedCompile(files) {
  const states = files.map((file) => {
    const { mtimeMs, size } = statSync(file);
    return `${relative(root, file)} ${mtimeMs} ${size}`;
  });
  return hash([read(at('tsconfig.json')), read(installStamp), ...states.sort()]);
}

function outputOf(source) {
  return at('dist', relative(root, source).replace(/\.ts$/, '.js'));
}

function isCompiled() {
  const files = sources();
  return read(compileStamp) === wantedCompile(files) && files.every((f) => existsSync(outputOf(f)));
}

function compile() {
  const files = sources();
  const wanted = wantedCompile(files);
  mkdirSync(at('dist'), { recursive: true });
  // The compiler trusts its own notes: where an output was deleted by hand it would write nothing.
  if (!files.every((file) => existsSync(outputOf(file))))
    rmSync(at('dist', '.tsbuildinfo'), { force: true });
  runQuietly('tsc', process.execPath, [at('node_modules', 'typescript', 'bin', 'tsc'), '-p', root]);
  removeOrphans(new Set(files.map(outputOf)));
  writeFileSync(compileStamp, wanted);
}

/** Output of a deleted source would go on running, tests above all. */
function removeOrphans(outputs) {
  for (const folder of sourceFolders()) {
    for (const file of filesBelow(at('dist', folder))) {
      if (!outputs.has(file.replace(/\.map$/, ''))) rmSync(file);
    }
  }
}

const bundleFile = at('dist', 'workflow-bundle.js');
const bundleStamp = at('dist', '.bundled');
const workflows = at('dist', 'workflows', 'index.js');

function wantedBundle() {
  const files = [
    ...filesBelow(at('dist', 'workflows')),
    ...filesBelow(at('dist', 'domain')),
  ].sort();
  return hash([
    read(installStamp),
    ...files.map((file) => `${relative(root, file)}\n${read(file)}`),
  ]);
}

function isBundled() {
  if (!existsSync(workflows)) return true;
  return existsSync(bundleFile) && read(bundleStamp) === wantedBundle();
}

async function bundle() {
  const wanted = wantedBundle();
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  const { code } = await bundleWorkflowCode({
    workflowsPath: workflows,
    logger: new DefaultLogger('WARN'),
  });
  const draft = `${bundleFile}.${process.pid}`;
  writeFileSync(draft, code);
  renameSync(draft, bundleFile);
  writeFileSync(bundleStamp, wanted);
}

/** Prepares, or ends the process with code 1 after saying what failed. */
export async function prepareOrExit() {
  try {
    await prepare();
  } catch (error) {
    if (!(error instanceof PrepareFailed)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href)
  await prepareOrExit();
