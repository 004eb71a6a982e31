/** Writes an exported trail: gives each line its number and hash, and signs a checkpoint now and then. */
import { canonicalText } from './canonical.js';
import { beginning, hashOf, type Content } from './lines.js';
import type { Signer } from './signing.js';

/** A change without a right signature stands between two checkpoints: this many lines apart. */
const linesPerCheckpoint = 1_000;

type Plain<C> = C extends { kind: 'checkpoint' }
  ? never
  : C extends unknown
    ? Omit<C, 'line'>
    : never;
export type Writable = Plain<Content>;

export interface TrailWriter {
  /** The text of the line, and of a checkpoint where one is due. */
  write(content: Writable): string;
  /** The last checkpoint: without it, the export was cut off. */
  end(): string;
}

export function openTrailWriter(signer: Signer, now: () => Date = () => new Date()): TrailWriter {
  const count = { line: 0, chain: 0, event: 0 };
  let previous = beginning;
  const link = (content: Content, more: object = {}): string => {
    previous = hashOf(content, previous);
    return `${canonicalText({ ...content, ...more, hash: previous })}\n`;
  };
  const checkpoint = (final: boolean): string => {
    const content = {
      kind: 'checkpoint',
      line: (count.line += 1),
      chains: count.chain,
      events: count.event,
      at: now().toISOString(),
      keyId: signer.keyId,
      final,
    } as const;
    const signature = signer.sign({ ...content, hash: hashOf(content, previous) });
    return link(content, { signature });
  };
  return {
    write: (content) => {
      count.line += 1;
      if (content.kind === 'chain' || content.kind === 'event') count[content.kind] += 1;
      const text = link({ ...content, line: count.line });
      return count.line % linesPerCheckpoint === 0 ? text + checkpoint(false) : text;
    },
    end: () => checkpoint(true),
  };
}
