/** What the API does about tasks: links, what people say, and the one moment when a value leaves. */
import type { HandOver } from '../api/hand-over.js';
import type { TaskParts } from '../api/parts.js';
import type { FactsChanged } from '../domain/run.js';
import { handOver } from '../infra/registry/hand-over.js';
import type { SayingParts } from '../infra/registry/locked-run.js';
import { issueLink } from '../infra/registry/task-links.js';
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

export function openHandOver({ parts, tell, reached }: TaskMeans): HandOver {
  const handing = { ...sayingParts(parts), store: parts.store, tell, reached };
  return (call) => handOver(handing, call);
}
