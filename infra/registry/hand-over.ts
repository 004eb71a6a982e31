/** The one moment when a value leaves for a person: on record first, and read from the store afterwards. What is lost in between is a link, never a value unseen. */
import { RotorError } from '../../domain/errors.js';
import type { FactsChanged } from '../../domain/run.js';
import type { SecretValue } from '../../domain/secret-value.js';
import type { Store } from '../../domain/store.js';
import type { SayingParts } from './locked-run.js';
import { openLink, type Opened, type OpeningCall } from './task-links.js';

export type HandedOver =
  { readonly kind: 'shown'; readonly value: SecretValue } | Exclude<Opened, { kind: 'shown' }>;

export interface HandingParts extends SayingParts {
  readonly store: Pick<Store, 'get'>;
  readonly tell: (secretId: string, change: FactsChanged) => Promise<void>;
  readonly reached: (point: string) => void;
}

export async function handOver(parts: HandingParts, call: OpeningCall): Promise<HandedOver> {
  const opened = await openLink(parts, call);
  if (opened.kind !== 'shown') return opened;
  parts.reached('hand-over:opened');
  const value = await parts.store.get(opened.versionId);
  await parts.tell(opened.secretId, { what: 'task-fetched', by: opened.by });
  if (value !== undefined) return { kind: 'shown', value };
  throw new RotorError('value-lost', 'the value to show is not sealed', {
    kind: 'failed',
    hint: 'the run that asks for it says what to do: rotor list --runs',
  });
}
