/** `npm start`: an installation on this machine, ready to use, gone with this process. */
import { join } from 'node:path';
import colors from 'picocolors';
import { packageRoot } from '../infra/package-root.js';
import { onSignals, runMain } from './child.js';
import { usualRoots } from './stack/first-start.js';
import { startStack } from './stack/stack.js';

await runMain(async () => {
  const began = Date.now();
  const stateFolder = process.env['ROTOR_STATE'] ?? join(packageRoot(), '.rotor');
  const tell = (line: string): void => console.log(line);
  const stack = await startStack({ stateFolder, roots: usualRoots(), tell });
  const seconds = ((Date.now() - began) / 1_000).toFixed(1);
  tell(`${colors.bold('rotor is ready')} after ${seconds} s

  API          ${stack.url}
  Temporal UI  ${stack.temporalUiUrl ?? 'of your own server'}
  token        ${stack.tokenFile} ${colors.dim('(administrator)')}
  settings     ${join(stateFolder, 'rotor.yaml')}

  ${colors.dim('in another terminal:')} bin/rotor doctor`);
  await new Promise<void>((resolve) => onSignals(resolve));
  tell('stopping');
  await stack.stop();
});
