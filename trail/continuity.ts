/** Whether a later export goes on from an earlier one: nothing of it set back, nothing in between left out. */
import type { Line } from './lines.js';
import type { ChainEnd, TrailFault, TrailVerdict } from './verdict.js';

export interface Continuity {
  read(line: Line): void;
  close(lines: number): void;
}

type Tell = (fault: TrailFault) => void;

/** Without an earlier export, everything fits. */
export function openContinuity(earlier: TrailVerdict | undefined, tell: Tell): Continuity {
  if (earlier === undefined) return { read: () => undefined, close: () => undefined };
  const open = new Map(earlier.ends);
  let ofOneSecret = false;
  const no = (line: number, told: string): void => tell({ line, fault: 'not-continued', told });
  return {
    read: (line) => {
      if (line.kind === 'opening') {
        ofOneSecret = line.secret !== null;
        if (line.installation !== earlier.opening?.installation)
          no(line.line, 'is of another installation than the earlier export');
      }
      const end = 'chain' in line ? open.get(line.chain) : undefined;
      if (end === undefined || !('chain' in line)) return;
      compare(line, end, no);
      if (reaches(line, end)) open.delete(line.chain);
    },
    close: (lines) => {
      if (ofOneSecret) return;
      for (const [chain, { last }] of open)
        no(lines, `ends without event ${last} of chain ${chain}, which the earlier export holds`);
    },
  };
}

/** Past the end of what the earlier export holds of the chain. */
function reaches(line: Line, { last }: ChainEnd): boolean {
  if (line.kind === 'chain') return line.first > last;
  return line.kind === 'event' && line.seq === last;
}

function compare(line: Line, end: ChainEnd, no: (line: number, told: string) => void): void {
  const other = 'has another event there than the earlier export: history was rewritten';
  if (line.kind === 'event' && line.seq === end.last && line.mac !== end.mac) no(line.line, other);
  if (line.kind !== 'chain' || line.first <= end.last) return;
  if (line.first > end.last + 1)
    no(line.line, `begins with event ${line.first}, and the earlier export ends with ${end.last}`);
  else if (line.previous !== end.mac) no(line.line, other);
}
