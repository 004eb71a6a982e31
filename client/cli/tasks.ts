/** The commands about what only people can do: what waits, the link to a value, and saying that it is done. */
import colors from 'picocolors';
import type { Command } from 'commander';
import type { Act, Context } from './context.js';
import { when } from './output.js';
import type { Row } from './row.js';
import { taskText, tasksText } from './task-texts.js';
import { example } from './example.js';

export function addTasks(program: Command, act: Act): void {
  const tasks = program.command('tasks').description('what people type in or remove by hand');
  example(tasks.command('list', { isDefault: true }), 'rotor tasks', 'rotor tasks list --all')
    .description('what waits for people, what is due first')
    .option('--all', 'also what is settled')
    .action(
      act(async ({ api, output }, { all }: { all?: boolean }) => {
        const rows = await api.get<Row[]>(`/v1/tasks${all === true ? '?all=true' : ''}`);
        output.show(rows, tasksText);
      }),
    );
  example(tasks.command('show <task>'), 'rotor tasks show TASK')
    .description('who is to do what, until when, and how')
    .action(
      act(async ({ api, output }, task: string) => {
        output.show(await api.get<Row>(pathOf(task)), taskText);
      }),
    );
  addLink(tasks, act);
  addWords(tasks, act);
}

function pathOf(task: string): string {
  return `/v1/tasks/${encodeURIComponent(task)}`;
}

function addLink(tasks: Command, act: Act): void {
  example(tasks.command('link <task>'), 'rotor tasks link TASK --valid-for 4h')
    .description(
      'a link that shows the value once, for whoever does it; an earlier one is dead then',
    )
    .option('--valid-for <duration>', 'such as 4h; 7d at most', '24h')
    .action(
      act(async ({ api, output }, task: string, { validFor }: { validFor: string }) => {
        const made = await api.post<Row>(`${pathOf(task)}/link`, { validFor });
        const link = new URL(String(made['link']), api.url).href;
        output.show<Row>({ ...made, link }, (row) =>
          [
            `${String(row['assignee'])} opens this, once, ${when(row['expiresAt'])} at the latest:`,
            '',
            String(row['link']),
            '',
            colors.dim(
              'It shows the value: give it to them alone, and not where others read along.',
            ),
          ].join('\n'),
        );
      }),
    );
}

function addWords(tasks: Command, act: Act): void {
  example(
    tasks.command('confirm <task>'),
    'rotor tasks confirm TASK --note "typed in, and logged in with it"',
  )
    .description('it is done: for this version alone')
    .option('--note <text>', 'what is good to know about it')
    .action(
      act((context, task: string, { note }: { note?: string }) =>
        say(context, `${pathOf(task)}/confirm`, { note }),
      ),
    );
  example(tasks.command('decline <task>'), 'rotor tasks decline TASK --reason "the page is gone"')
    .description('it is not done; the run waits for a decision')
    .requiredOption('--reason <text>', 'why')
    .action(
      act((context, task: string, { reason }: { reason: string }) =>
        say(context, `${pathOf(task)}/decline`, { reason }),
      ),
    );
}

async function say({ api, output }: Context, path: string, body: object): Promise<void> {
  const said = await api.post<Row>(path, body);
  output.show(
    said,
    ({ version, secret, dependent, state }) =>
      `${String(version)} of ${String(secret)} for ${String(dependent)}: ${String(state)}`,
  );
}
