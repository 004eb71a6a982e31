/** The commands about dependents: who they are, retiring one, and giving it no new value. */
import type { Command } from 'commander';
import { shortId } from '../../domain/told-id.js';
import { namePair, type Act } from './context.js';
import { inLines, table } from './output.js';
import type { Row } from './row.js';
import { example } from './example.js';

export function addDependents(program: Command, act: Act): void {
  const dependents = program.command('dependents').description('who uses secrets');
  example(dependents.command('list', { isDefault: true }), 'rotor dependents')
    .description('all of them, with their secrets')
    .action(
      act(async ({ api, output }) => {
        const rows = await api.get<Row[]>('/v1/dependents');
        output.show(rows, (all) =>
          table(
            ['dependent', 'owner', 'secrets'],
            all.map((row) => [
              `${String(row['organization'])}/${String(row['dependent'])}`,
              String(row['owner']),
              inLines(row['secrets'] as string[]),
            ]),
          ),
        );
      }),
    );
  example(dependents.command('retire <dependent>'), 'rotor dependents retire acme/old-shop')
    .description('organization/name no longer exists; its dependencies retire with it')
    .action(
      act(async ({ api, output }, name: string) => {
        const [organization, dependent] = namePair(name, "a dependent's name");
        const path = `/v1/dependents/${organization}/${dependent}/retire`;
        output.show(
          await api.post<Row>(path),
          (row) => `${name} retired from ${(row['secrets'] as string[]).join(', ') || 'nothing'}`,
        );
      }),
    );
  addWithholding(dependents, act);
}

interface WithholdingOptions {
  readonly secret?: string;
  readonly reason: string;
}

function addWithholding(dependents: Command, act: Act): void {
  const verbs = [
    {
      verb: 'withhold',
      description: 'a system that leaked: it is given no new value until it is released',
      is: 'is given no new value of',
      why: 'it was broken into',
    },
    {
      verb: 'release',
      description: 'it is given new values again, by runs that are open and by later ones',
      is: 'is given new values again of',
      why: 'installed anew',
    },
  ] as const;
  for (const { verb, description, is, why } of verbs) {
    const command = dependents.command(`${verb} <dependent>`);
    example(command, `rotor dependents ${verb} acme/checkout --reason "${why}"`)
      .description(description)
      .option('--secret <name>', 'of this secret only')
      .requiredOption('--reason <text>', 'why')
      .action(
        act(async ({ api, output }, name: string, options: WithholdingOptions) => {
          const [organization, dependent] = namePair(name, "a dependent's name");
          const path = `/v1/dependents/${organization}/${dependent}/${verb}`;
          output.show(
            await api.post<Row>(path, { reason: options.reason, secret: options.secret }),
            (row) =>
              [
                `${name} ${is} ${(row['secrets'] as string[]).join(', ') || 'any secret'}`,
                ...afterReleaseLines(name, row),
              ].join('\n'),
          );
        }),
      );
  }
}

/** What goes on to hold, and what a release does not bring by itself. */
export function afterReleaseLines(dependent: string, { behind, still }: Row): string[] {
  const held = (still ?? []) as readonly Row[];
  return [
    ...held.map((one) => stillLine(dependent, one)),
    ...behindLines(dependent, (behind ?? []) as readonly string[]),
  ];
}

function stillLine(dependent: string, { secret, by, reason, incident }: Row): string {
  const of = secret === null ? 'any secret' : String(secret);
  const what = `it is still given no new value of ${of}: ${String(reason)} (${String(by)})`;
  if (incident !== null) return `${what}; to end that: rotor incident release ${shortId(incident)}`;
  const only = secret === null ? '' : ` --secret ${of}`;
  return `${what}; to end that: rotor dependents release ${dependent}${only}`;
}

/** Asked for in so many words, so that it can be pasted. */
function behindLines(dependent: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const [organization = ''] = dependent.split('/');
  return [
    'it was not given the version that is current now, and no run is open that would bring it one; to move it:',
    ...names.map(
      (name) => `  rotor rotate ${organization}/${name} --reason "${dependent} was released"`,
    ),
  ];
}
