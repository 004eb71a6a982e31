/** Everything that must hold before a change lands, besides the tests: one line per check, all output of those that fail. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { prepareOrExit, root } from './prepare.mjs';

const checks = {
  lint: [
    'eslint/bin/eslint.js',
    '.',
    '--max-warnings=0',
    '--cache',
    '--cache-location=node_modules/.cache/eslint/',
  ],
  imports: [
    'dependency-cruiser/bin/dependency-cruise.mjs',
    '--config',
    '.dependency-cruiser.cjs',
    '.',
  ],
  'dead exports and dependencies': ['knip/bin/knip.js', '--no-progress'],
  formatting: ['prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'],
};

function run([script, ...args]) {
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(process.execPath, [join(root, 'node_modules', script), ...args], {
      cwd: root,
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => (output += text));
    child.on('close', (code) => resolve({ passed: code === 0, output }));
  });
}

async function report([name, command]) {
  const { passed, output } = await run(command);
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${name}`);
  if (!passed) console.log(output.trimEnd());
  return passed;
}

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`the tools that check need Node 20.19 or newer, and this is ${process.version}`);
  process.exit(1);
}
await prepareOrExit();
console.log('ok     types');
const queue = Object.entries(checks);
const results = [];
const lane = async () => {
  for (let next = queue.shift(); next; next = queue.shift()) results.push(await report(next));
};
await Promise.all([lane(), lane()]);
process.exit(results.every(Boolean) ? 0 : 1);
