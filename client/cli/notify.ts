/** The commands about notifications: how routes fare, and trying one out. */
import type { Command } from 'commander';
import type { Act } from './context.js';
import { exitCodes, table } from './output.js';
import type { Row } from './row.js';
import { example } from './example.js';

interface Tested {
  readonly route: string;
  readonly state: string;
  readonly failure: string | null;
}

export function addNotify(program: Command, act: Act): void {
  const notify = program.command('notify').description('who is told of what happens');
  example(notify.command('list', { isDefault: true }), 'rotor notify')
    .description('the routes, and how they fare')
    .action(
      act(async ({ api, output }) => {
        output.show(await api.get<Row[]>('/v1/notifications'), routesText);
      }),
    );
  example(notify.command('test <route>'), 'rotor notify test on-call')
    .description('a worker sends a test by it; exit code 1 where that fails')
    .action(
      act(async ({ api, output }, route: string) => {
        const path = `/v1/notifications/${encodeURIComponent(route)}/test`;
        const tested = await api.post<Tested>(path);
        output.show(tested, testedText);
        return tested.state === 'sent' ? exitCodes.fine : exitCodes.failed;
      }),
    );
}

function routesText(rows: readonly Row[]): string {
  if (rows.length === 0) return 'there are no routes: see docs/notifications.md';
  const cells = rows.map(({ route, pending, failed, sent, failure }) => [
    String(route),
    String(pending),
    String(failed),
    typeof sent === 'string' ? sent : '',
    typeof failure === 'string' ? failure : '',
  ]);
  return table(['route', 'pending', 'failed', 'last delivered', 'failure'], cells);
}

function testedText({ route, state, failure }: Tested): string {
  if (state === 'sent') return `${route}: delivered`;
  if (state === 'pending') return `${route}: not sent yet; is a worker alive? (rotor doctor)`;
  return `${route}: not delivered; ${failure ?? ''}`;
}
