/** The smallest world an engine can run in: an issuer, a store and destinations that live in this process. */
import { randomUUID } from 'node:crypto';
import type { Connector } from '../../domain/connector.js';
import { AdapterError, CredentialRefused } from '../../domain/errors.js';
import type {
  Credential,
  Issuer,
  IssuerTraits,
  ObservedUse,
  UseSource,
} from '../../domain/issuer.js';
import { SecretValue } from '../../domain/secret-value.js';
import type { Store } from '../../domain/store.js';

interface Made {
  readonly credentialId: string;
  readonly tag: string;
  readonly value: string;
  readonly expiresAt: Date | undefined;
  disabledUntil: Date | undefined;
}

const traits: IssuerTraits = {
  overlap: { kind: 'many' },
  valueChosenBy: 'theirs',
  tag: 'place',
  disable: 'expires',
  seesRefusals: true,
  useRecord: 'exact',
  tellsProbesApart: true,
  lists: true,
  propagationMs: 0,
  outlives: 'nothing',
  outlivesMs: 0,
  longestValidityMs: undefined,
};

export interface MemoryIssuer extends Issuer {
  /** Whether the value is accepted now; the attempt is on record. */
  use(value: string, source: UseSource): boolean;
  readonly live: Map<string, Made>;
  adopted(value: string): string;
}

export function memoryIssuer(installation: () => string): MemoryIssuer {
  const live = new Map<string, Made>();
  const dead = new Map<string, string>();
  const uses: ObservedUse[] = [];
  const byValue = (value: string): Made | undefined =>
    [...live.values()].find((made) => made.value === value);
  const accepts = (made: Made | undefined): boolean =>
    made !== undefined && (made.disabledUntil === undefined || made.disabledUntil < new Date());
  const make = (tag: string, value: string, expiresAt: Date | undefined): Made => {
    const made = { credentialId: randomUUID(), tag, value, expiresAt, disabledUntil: undefined };
    live.set(made.credentialId, made);
    return made;
  };
  const listed = (made: Made): Credential => {
    const [owner, versionId] = made.tag.split('/');
    const ours = owner === installation() && versionId !== undefined;
    return {
      credentialId: made.credentialId,
      tag: ours ? { kind: 'ours', versionId } : { kind: 'none' },
      createdAt: undefined,
      expiresAt: made.expiresAt,
      disabled: made.disabledUntil !== undefined,
      rights: {},
    };
  };
  return {
    kind: 'memory',
    traits,
    live,
    mint: ({ tag, expiresAt }) => {
      const value = `value-${randomUUID()}`;
      const { credentialId } = make(tag, value, expiresAt);
      return Promise.resolve({ credentialId, value: new SecretValue(value) });
    },
    verify: (_ref, value) =>
      accepts(byValue(value.reveal()))
        ? Promise.resolve()
        : Promise.reject(new CredentialRefused()),
    revoke: ({ credentialId }) => {
      const made = live.get(credentialId);
      if (made !== undefined) dead.set(made.value, credentialId);
      live.delete(credentialId);
      return Promise.resolve();
    },
    list: () => Promise.resolve([...live.values()].map(listed)),
    disable: ({ credentialId }, until) => {
      const made = live.get(credentialId);
      if (made === undefined)
        return Promise.reject(new AdapterError('not-found', 'no such credential'));
      made.disabledUntil = until;
      return Promise.resolve();
    },
    enable: ({ credentialId }) => {
      const made = live.get(credentialId);
      if (made !== undefined) made.disabledUntil = undefined;
      return Promise.resolve();
    },
    observedUse: (_secret, since) =>
      Promise.resolve({
        kind: 'exact',
        completeThrough: new Date(),
        continuousSince: undefined,
        resolutionMs: 0,
        issuerNow: new Date(),
        uses: uses.filter(({ lastAt }) => lastAt >= since),
      }),
    use: (value, source) => {
      const made = byValue(value);
      const accepted = accepts(made);
      const credentialId = made?.credentialId ?? dead.get(value);
      if (credentialId !== undefined) {
        const now = new Date();
        const outcome = accepted ? 'accepted' : 'refused';
        const minute = new Date(Math.floor(now.getTime() / 60_000) * 60_000);
        const same = uses.findIndex(
          (u) =>
            u.credentialId === credentialId &&
            u.outcome === outcome &&
            u.minute.getTime() === minute.getTime() &&
            JSON.stringify(u.source) === JSON.stringify(source),
        );
        const count = (uses[same]?.count ?? 0) + 1;
        const use: ObservedUse = { credentialId, source, outcome, minute, lastAt: now, count };
        if (same < 0) uses.push(use);
        else uses[same] = use;
      }
      return accepted;
    },
    adopted: (value) => make('', value, undefined).credentialId,
  };
}

export function memoryStore(): Store & { readonly values: Map<string, string> } {
  const values = new Map<string, string>();
  return {
    kind: 'memory',
    values,
    put: (versionId, value) => {
      values.set(versionId, value.reveal());
      return Promise.resolve();
    },
    get: (versionId) => {
      const value = values.get(versionId);
      return Promise.resolve(value === undefined ? undefined : new SecretValue(value));
    },
    destroy: (versionId) => {
      values.delete(versionId);
      return Promise.resolve();
    },
  };
}

/** Destinations are entries of a map, by their identity. */
export function memoryConnector(): Connector & { readonly places: Map<string, string> } {
  const places = new Map<string, string>();
  return {
    kind: 'memory',
    places,
    traits: () => ({ holdsSeveral: false, evidence: 'read-back' }),
    deliver: ({ destination, version }) => {
      places.set(destination.identity, version.value.reveal());
      return Promise.resolve();
    },
    held: (destination, known) => {
      const value = places.get(destination.identity);
      const match = known.find((entry) => entry.value.reveal() === value);
      return Promise.resolve({
        versionIds: match === undefined ? [] : [match.versionId],
        unknown: value === undefined || match !== undefined ? [] : [new SecretValue(value)],
        attests: undefined,
      });
    },
    forget: () => Promise.resolve(),
  };
}
