/** Examples below the help of a command: a test runs each line, in an installation of its own. */
import type { Command } from 'commander';

/** As it is typed, 80 columns at most; RUN, TASK and the like stand for what rotor printed, DAY for a date, URL for a server of yours. */
export function example(command: Command, ...lines: readonly string[]): Command {
  const head = lines.length === 1 ? 'Example:' : 'Examples:';
  return command.addHelpText('after', ['', head, ...lines.map((line) => `  ${line}`)].join('\n'));
}
