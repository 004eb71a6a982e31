/** `npm run demo`: a scenario is played with real programs, measured from outside, and fails where a promise does not hold. */
import { writeFileSync } from 'node:fs';
import colors from 'picocolors';
import { onSignals, runMain } from '../child.js';
import type { Stack } from '../stack/stack.js';
import { figuresText } from './figures.js';
import { asked, usage } from './scenarios.js';
import { openStage, say } from './stage.js';

await runMain(async () => {
  const { help, keep: keeps, json, scenario } = asked(process.argv.slice(2));
  if (help) return console.log(usage);
  const stage = openStage(Date.now() - Math.round(process.uptime() * 1_000));
  const { figures, promises, stack } = await scenario(stage);
  say('Measured from outside:');
  console.log(figuresText(figures));
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(figures, undefined, 2)}\n`);
  const broken = promises.filter(([, holds]) => !holds);
  for (const [promise] of broken) console.log(colors.red(`  does not hold: ${promise}`));
  if (broken.length > 0) process.exitCode = 1;
  if (keeps) await keep(stack);
  await stage.close(keeps);
});

async function keep({ url, tokenFile, temporalUiUrl }: Stack): Promise<void> {
  say(
    `Everything stays: API ${url}, Temporal UI ${temporalUiUrl ?? ''}, token ${tokenFile}. Ctrl-C ends it.`,
  );
  await new Promise<void>((resolve) => onSignals(resolve));
}
