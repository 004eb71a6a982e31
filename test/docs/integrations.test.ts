import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { format } from 'prettier';
import { connectorKinds } from '../../connectors/index.js';
import { formatDuration } from '../../domain/duration.js';
import type { IssuerTraits, Overlap } from '../../domain/issuer.js';
import type { Tested } from '../../domain/tested.js';
import { packageRoot } from '../../infra/package-root.js';
import { issuerKinds } from '../../issuers/index.js';
import type { IssuerKind } from '../../issuers/kind.js';
import { keycloak } from '../targets/keycloak.js';
import { moto } from '../targets/moto/index.js';
import { openbao } from '../targets/openbao.js';

const file = join(packageRoot(), 'docs', 'integrations.md');

function sideBySide(overlap: Overlap): string {
  switch (overlap.kind) {
    case 'many':
      return 'many';
    case 'none':
      return 'one, replaced in place';
    case 'slots':
      return `${String(overlap.slots)}; a further one is refused`;
    case 'displaces-oldest':
      return `${String(overlap.slots)}; a further one ends the oldest`;
  }
}

const disabled = { expires: 'until it ends', manual: 'by hand', none: 'no' } as const;

function outliving({ outlives, outlivesMs, tellsOpenUseApart }: IssuerTraits): string {
  if (outlives === 'nothing') return 'nothing';
  const long = outlivesMs > 0 ? `, ${formatDuration(outlivesMs)} at most` : '';
  return `${outlives}${long}${tellsOpenUseApart ? '' : ', of all versions'}`;
}

function limited({ propagationMs, lockout, longestValidityMs }: IssuerTraits): string {
  const limits = [
    propagationMs > 0 ? `holds everywhere after ${formatDuration(propagationMs)}` : undefined,
    longestValidityMs === undefined ? undefined : `${formatDuration(longestValidityMs)} at most`,
    lockout === undefined ? undefined : `${String(lockout.refusals)} refusals lock out`,
  ];
  return limits.filter((limit) => limit !== undefined).join('; ');
}

function testedIn({ system, version, on }: Tested): string {
  return `${system} ${version}, ${on}`;
}

function rowsOf({ kind, traits, variants, tested }: IssuerKind): string[] {
  const shown = variants ?? [{ as: '', traits: traits({} as never) }];
  return shown.map(({ as, traits: one }) =>
    [
      `[${kind}](../issuers/${kind}/)${as === '' ? '' : ` ${as}`}`,
      sideBySide(one.overlap),
      one.valueChosenBy === 'ours' ? 'rotor' : 'the issuer',
      one.tag === 'place' ? 'a tag' : 'its id',
      disabled[one.disable],
      `${one.useRecord}${one.seesRefusals ? ', refusals too' : ''}`,
      outliving(one),
      limited(one),
      testedIn(tested),
    ].join(' | '),
  );
}

function table(heads: readonly string[], rows: readonly string[]): string {
  const lines = [heads.join(' | '), heads.map(() => '---').join(' | '), ...rows];
  return lines.map((line) => `| ${line} |`).join('\n');
}

const issuerHeads = [
  ...['Issuer', 'Side by side', 'Value chosen by', 'Known again by', 'Disabled'],
  ...['Use is seen', 'Outlives a revoke', 'Limits', 'Tested against'],
];

function generated(): string {
  const connectors = connectorKinds.map((one) => {
    const tested =
      'tested' in one ? testedIn(one.tested as Tested) : 'files, programs, people here';
    return `[${one.kind}](../connectors/${one.kind}/) | ${tested}`;
  });
  return [
    '# Integrations',
    'Generated from the code; a test compares. What the words mean: [concepts](concepts.md). `rotor plan` shows what of it limits a rotation.',
    '## Issuers',
    table(
      issuerHeads,
      issuerKinds.flatMap((one) => rowsOf(one as unknown as IssuerKind)),
    ),
    '**Use is seen**: `exact` every use, `last-used` the last moment only, `sampled` what is open at each look, `absent` nothing. But for `exact` and `last-used` a person, or the policy, accepts unseen use.',
    '## Connectors',
    table(['Connector', 'Tested against'], connectors),
  ].join('\n\n');
}

test('docs/integrations.md says what the code does', async () => {
  const text = await format(generated(), { parser: 'markdown', printWidth: 100 });
  if (process.env['ROTOR_UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
  expect(readFileSync(file, 'utf8')).toBe(text);
});

test('what was tested against is what the tests start', () => {
  const started = new Map<string, string>([
    ['OpenBao', openbao.version],
    ['Keycloak', keycloak.version],
    ['AWS as moto plays it', moto.version],
  ]);
  for (const { tested } of [...issuerKinds, ...connectorKinds] as { tested?: Tested }[]) {
    const version = tested && started.get(tested.system);
    if (version !== undefined) expect(tested?.version).toBe(version);
  }
});
