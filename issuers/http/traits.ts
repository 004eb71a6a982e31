/** Traits as a server tells them, and how far those that were declared may fall short of them. */
import type { IssuerTraits, Overlap, UseRecordKind } from '../../domain/issuer.js';
import type { Traits } from './protocol.js';

export function issuerTraits(traits: Traits): IssuerTraits {
  const { valueChosenBy, seesRefusals, useRecord, propagationMs, outlives, outlivesMs } = traits;
  return {
    overlap: overlapOf(traits),
    valueChosenBy,
    tag: 'place',
    disable: 'none',
    seesRefusals,
    useRecord,
    // Where there is no record, no probe stands in it.
    tellsProbesApart: traits.tellsProbesApart || useRecord === 'absent',
    lists: true,
    propagationMs,
    outlives,
    outlivesMs,
    tellsOpenUseApart: true,
    longestValidityMs: traits.longestValidityMs,
  };
}

function overlapOf({ overlap, slots = 1 }: Traits): Overlap {
  if (overlap === 'many' || overlap === 'none') return { kind: overlap };
  return { kind: overlap, slots };
}

const weakestFirst: readonly UseRecordKind[] = ['absent', 'sampled', 'last-used', 'exact'];

/** Less of one than of the other may be declared, never more: the planner believes what is declared. */
const mayNarrow: Readonly<Record<string, (declared: Traits, told: Traits) => boolean>> = {
  useRecord: (declared, told) =>
    weakestFirst.indexOf(declared.useRecord) <= weakestFirst.indexOf(told.useRecord),
  seesRefusals: (declared, told) => told.seesRefusals || !declared.seesRefusals,
  tellsProbesApart: (declared, told) => told.tellsProbesApart || !declared.tellsProbesApart,
  propagationMs: (declared, told) => declared.propagationMs >= told.propagationMs,
  outlives: (declared, told) => told.outlives === 'nothing' || declared.outlives === told.outlives,
  outlivesMs: (declared, told) => declared.outlivesMs >= told.outlivesMs,
  longestValidityMs: (declared, told) =>
    (declared.longestValidityMs ?? Infinity) <= (told.longestValidityMs ?? Infinity) &&
    (declared.longestValidityMs === undefined) === (told.longestValidityMs === undefined),
};

const mustEqual = ['overlap', 'slots', 'valueChosenBy'] as const;

/** In words, for each trait that is claimed and not told; undefined where there is none. */
export function differenceOf(declared: Traits, told: Traits): string | undefined {
  const names = [
    ...mustEqual.filter((name) => declared[name] !== told[name]),
    ...Object.entries(mayNarrow).flatMap(([name, fits]) => (fits(declared, told) ? [] : [name])),
  ] as readonly (keyof Traits)[];
  if (names.length === 0) return undefined;
  return names
    .map((name) => `${name} is ${text(told[name])}, not ${text(declared[name])}`)
    .join('; ');
}

function text(value: Traits[keyof Traits]): string {
  return value === undefined ? 'unset' : String(value);
}
