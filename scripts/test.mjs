/** Prepares the checkout, then runs the tests: node scripts/test.mjs [JEST ARGUMENT...] */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { prepareOrExit, root } from './prepare.mjs';

await prepareOrExit();
const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
const runner = spawn(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--no-warnings',
    '--enable-source-maps',
    jest,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit' },
);
// An interrupt reaches the runner too, which stops its servers first.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => runner.kill(signal));
runner.on('exit', (code) => process.exit(code ?? 1));
