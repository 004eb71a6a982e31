/** What is told of an exported trail once it was read. */
import type { Opening } from './lines.js';

export interface TrailFault {
  readonly line: number;
  readonly fault:
    | 'unreadable'
    | 'changed'
    | 'missing'
    | 'out-of-place'
    | 'truncated'
    | 'after-the-end'
    | 'badly-signed'
    | 'other-key'
    | 'recorded-fault'
    | 'not-continued';
  /** Goes on after "line 12 ". */
  readonly told: string;
}

/** Where a chain ends in a file. */
export interface ChainEnd {
  readonly last: number;
  readonly mac: string;
}

export interface TrailVerdict {
  readonly lines: number;
  readonly chains: number;
  readonly events: number;
  readonly opening: Opening | undefined;
  readonly signedAt: string | undefined;
  readonly faults: readonly TrailFault[];
  /** Faults that are not listed, because there are so many. */
  readonly further: number;
  readonly ends: ReadonlyMap<string, ChainEnd>;
}

/** A file that is something else altogether is not told line by line. */
const mostFaults = 100;

export function faultList(): {
  readonly faults: TrailFault[];
  tell(fault: TrailFault): void;
  further(): number;
} {
  const faults: TrailFault[] = [];
  let further = 0;
  return {
    faults,
    further: () => further,
    tell: (fault) => {
      if (faults.length < mostFaults) faults.push(fault);
      else further += 1;
    },
  };
}
