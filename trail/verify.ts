/** Checks an exported trail by itself: no database, no server, no secret key. */
import type { KeyObject } from 'node:crypto';
import type { Problem } from '../domain/errors.js';
import { check } from '../schemas/problems.js';
import { canonicalText } from './canonical.js';
import { openContinuity, type Continuity } from './continuity.js';
import { beginning, contentOf, hashOf, Line, type Checkpoint } from './lines.js';
import { openOrder, type Order } from './order.js';
import { isSigned, publicKeyOf } from './signing.js';
import { faultList, type ChainEnd, type TrailFault, type TrailVerdict } from './verdict.js';

export interface TrailQuestion {
  readonly lines: AsyncIterable<string>;
  /** The public key that must have signed; undefined: the one that the file names. */
  readonly key: string | undefined;
  /** The verdict of an export that this one goes on from. */
  readonly earlier: TrailVerdict | undefined;
}

interface Reading {
  readonly order: Order;
  readonly continuity: Continuity;
  readonly given: string | undefined;
  tell(fault: TrailFault): void;
  readonly ends: Map<string, ChainEnd>;
  previous: { readonly line: number; readonly hash: string } | undefined;
  opening: TrailVerdict['opening'];
  key: KeyObject | undefined;
  checkpoint: Checkpoint | undefined;
  chains: number;
  events: number;
}

export async function verifyTrail({ lines, key, earlier }: TrailQuestion): Promise<TrailVerdict> {
  const { faults, tell, further } = faultList();
  const reading: Reading = {
    order: openOrder(tell),
    continuity: openContinuity(earlier, tell),
    given: key,
    tell,
    ends: new Map(),
    previous: { line: 0, hash: beginning },
    opening: undefined,
    key: key === undefined ? undefined : publicKeyOf(key),
    checkpoint: undefined,
    chains: 0,
    events: 0,
  };
  let count = 0;
  for await (const text of lines) {
    count += 1;
    readLine(reading, text);
  }
  close(reading, count);
  const { ends, opening, checkpoint, chains, events } = reading;
  faults.sort((a, b) => a.line - b.line);
  const signedAt = checkpoint?.at;
  return { lines: count, chains, events, opening, signedAt, faults, further: further(), ends };
}

function readLine(reading: Reading, text: string): void {
  const { order, tell } = reading;
  const at = order.expected();
  if (reading.checkpoint?.final === true)
    return tell({ line: at, fault: 'after-the-end', told: 'stands after the last checkpoint' });
  const parsed = parse(text);
  if ('problems' in parsed) {
    order.skip();
    reading.previous = undefined;
    for (const { path, message } of parsed.problems)
      tell({ line: at, fault: 'unreadable', told: path === '' ? message : `${path}: ${message}` });
    return;
  }
  const line = parsed.value;
  order.place(line.line);
  demandLink(reading, line, text);
  reading.previous = line;
  reading.continuity.read(line);
  take(reading, line);
}

function parse(text: string): { value: Line } | { problems: readonly Problem[] } {
  try {
    return check(Line, JSON.parse(text));
  } catch {
    return { problems: [{ path: '', message: 'is no JSON' }] };
  }
}

/** Byte by byte: a name that stands twice in an object is read one way by one program, and another way by the next. */
function demandLink({ previous, tell }: Reading, line: Line, text: string): void {
  if (canonicalText(line) !== text)
    return tell({ line: line.line, fault: 'changed', told: 'is not written as rotor writes it' });
  if (previous?.line !== line.line - 1) return;
  if (hashOf(contentOf(line), previous.hash) === line.hash) return;
  const told = 'was changed: its hash does not fit it and the line before it';
  tell({ line: line.line, fault: 'changed', told });
}

function take(reading: Reading, line: Line): void {
  const { tell, ends } = reading;
  switch (line.kind) {
    case 'opening':
      return open(reading, line);
    case 'chain':
      reading.chains += 1;
      return void ends.set(line.chain, { last: line.first - 1, mac: line.previous });
    case 'event':
      reading.events += 1;
      return void ends.set(line.chain, { last: line.seq, mac: line.mac });
    case 'fault': {
      const told = `says what rotor found: event ${line.seq} of chain ${line.chain} is ${line.fault}`;
      return tell({ line: line.line, fault: 'recorded-fault', told });
    }
    case 'checkpoint':
      return sealed(reading, line);
  }
}

function open(reading: Reading, line: Extract<Line, { kind: 'opening' }>): void {
  const { tell, given } = reading;
  reading.opening ??= line;
  const named = publicKeyOf(line.key);
  reading.key ??= named;
  if (named === undefined) tell({ line: line.line, fault: 'changed', told: 'names no public key' });
  else if (given !== undefined && given !== line.key)
    tell({ line: line.line, fault: 'other-key', told: `names ${line.key}, and not your key` });
}

function sealed(reading: Reading, line: Checkpoint): void {
  const { key, checkpoint, tell } = reading;
  reading.checkpoint = line;
  if (key !== undefined && isSigned(line, key)) return;
  const since = checkpoint === undefined ? 'the beginning' : `line ${checkpoint.line}`;
  const told = `is not signed with that key: something between ${since} and here was changed`;
  tell({ line: line.line, fault: 'badly-signed', told });
}

function close({ order, continuity, checkpoint, opening, tell }: Reading, count: number): void {
  const end = checkpoint?.final === true ? checkpoint.line : order.expected();
  order.close(end);
  continuity.close(end);
  if (opening === undefined)
    tell({ line: 1, fault: 'unreadable', told: 'is not the opening of an export' });
  if (checkpoint?.final === true) return;
  const told = `${count === 0 ? 'is missing' : 'is the last'}: the export was cut off, or is still being written`;
  tell({ line: Math.max(end - 1, 1), fault: 'truncated', told });
}
