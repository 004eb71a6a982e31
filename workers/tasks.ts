/** What the API does about tasks: links, what people say, and the one moment when a value leaves. */
import type { HandedOver, HandOver } from '../api/hand-over.js';
import type { TaskParts } from '../api/parts.js';
import { RotorError } from '../domain/errors.js';
import type { FactsChanged } from '../domain/run.js';
import type { SayingParts } from '../infra/registry/locked-run.js';
import { issueLink, openLink } from '../infra/registry/task-links.js';
import { recordTaskWord } from '../infra/registry/task-words.js';
import type { Parts } from './parts.js';

export interface TaskMeans {
  readonly parts: Parts;
  readonly publicUrl: string | undefined;
  readonly tell: (secretId: string, change: FactsChanged) => Promise<void>;
  readonly reached: (point: string) => void;
}

function sayingParts({ pool, audit, issuer }: Parts): SayingParts {
  return { pool, audit, traitsOf: (name) => issuer(name).traits };
}

export function openTaskParts({ parts, publicUrl, tell }: TaskMeans): TaskParts {
  return {
    link: async (call) => ({ ...(await issueLink(sayingParts(parts), call)), url: publicUrl }),
    say: async (word) => {
      const secretId = await recordTaskWord(sayingParts(parts), word);
      await tell(secretId, { what: `task-${word.word}`, by: word.by });
    },
  };
}

/** On record first, and read from the store afterwards: what is lost in between is a link, never a value unseen. */
export function openHandOver({ parts, tell, reached }: TaskMeans): HandOver {
  return async (call): Promise<HandedOver> => {
    const opened = await openLink(sayingParts(parts), call);
    if (opened.kind !== 'shown') return opened;
    reached('hand-over:opened');
    const value = await parts.store.get(opened.versionId);
    await tell(opened.secretId, { what: 'task-fetched', by: opened.by });
    if (value !== undefined) return { kind: 'shown', value };
    throw new RotorError('value-lost', 'the value to show is not sealed', {
      kind: 'failed',
      hint: 'the run that asks for it says what to do: rotor list --runs',
    });
  };
}
