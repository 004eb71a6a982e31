/** Whether numbered lines stand where they belong: says which are missing, and which are out of place. */
import type { TrailFault } from './verdict.js';

type Tell = (fault: TrailFault) => void;

export interface Order {
  /** Takes the next line of the file. */
  place(line: number): void;
  /** Takes one whose number cannot be read. */
  skip(): void;
  /** The number that the next line should have. */
  expected(): number;
  /** Tells what is missing, of the lines before `end`. */
  close(end: number): void;
}

interface Gap {
  readonly from: number;
  readonly to: number;
}

export function openOrder(tell: Tell): Order {
  let expected = 1;
  let before = 0;
  let gaps: readonly Gap[] = [];
  return {
    expected: () => expected,
    skip: () => {
      before = expected;
      expected += 1;
    },
    place: (line) => {
      if (line > expected) gaps = [...gaps, { from: expected, to: line - 1 }];
      // Of a block that was moved, only its first line is told.
      else if (line < expected && line !== before + 1)
        tell({ line, fault: 'out-of-place', told: `stands after line ${before}` });
      if (line < expected) gaps = gaps.flatMap((gap) => without(gap, line));
      expected = Math.max(expected, line + 1);
      before = line;
    },
    close: (end) => {
      for (const { from, to } of gaps) {
        const last = Math.min(to, end - 1);
        const told = from < last ? `is missing, and so are all up to line ${last}` : 'is missing';
        if (from <= last) tell({ line: from, fault: 'missing', told });
      }
    },
  };
}

function without({ from, to }: Gap, line: number): Gap[] {
  if (line < from || line > to) return [{ from, to }];
  return [
    { from, to: line - 1 },
    { from: line + 1, to },
  ].filter((part) => part.from <= part.to);
}
