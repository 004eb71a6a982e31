/** `npm run demo`: a scenario is played with real programs, measured from outside, and fails where a promise does not hold. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import colors from 'picocolors';
import { onSignals, runMain } from '../child.js';
import type { Stack } from '../stack/stack.js';
import { breakGlass } from './break-glass.js';
import { figuresText } from './figures.js';
import { leak } from './leak.js';
import { openStage, say, type Scenario } from './stage.js';

await runMain(async () => {
  const { values } = parseArgs({
    options: {
      json: { type: 'string' },
      keep: { type: 'boolean', default: false },
      'break-glass': { type: 'boolean', default: false },
    },
  });
  const stage = openStage(Date.now() - Math.round(process.uptime() * 1_000));
  const scenario: Scenario = values['break-glass'] ? breakGlass : leak;
  const { figures, promises, stack } = await scenario(stage);
  say('Measured from outside:');
  console.log(figuresText(figures));
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify(figures, undefined, 2)}\n`);
  const broken = promises.filter(([, holds]) => !holds);
  for (const [promise] of broken) console.log(colors.red(`  does not hold: ${promise}`));
  if (broken.length > 0) process.exitCode = 1;
  if (values.keep) await keep(stack);
  await stage.close(values.keep);
});

async function keep({ url, tokenFile, temporalUiUrl }: Stack): Promise<void> {
  say(
    `Everything stays: API ${url}, Temporal UI ${temporalUiUrl ?? ''}, token ${tokenFile}. Ctrl-C ends it.`,
  );
  await new Promise<void>((resolve) => onSignals(resolve));
}
