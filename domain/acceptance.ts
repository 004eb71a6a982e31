/** What people have accepted for a run, with its request or since: who may break, and that unseen use may. */
import { attribute, describeSource, isNamedSource, type Recognizable } from './attribution.js';
import { RotorError, type Problem } from './errors.js';
import type {
  AcceptedOutage,
  DecisionFacts,
  DependencyFacts,
  Facts,
  MayBreak,
  RunFacts,
} from './facts.js';
import type { UseSource } from './issuer.js';
import { shortId } from './told-id.js';

export type Accepting = Pick<DecisionFacts, 'kind' | 'by' | 'reason' | 'accepted'>;

/** A request, or a run with what was decided about it. */
export interface Accepter {
  readonly options: RunFacts['options'];
  readonly decisions?: readonly Accepting[];
}

/** Each with who and why: a later one adds to the earlier ones. */
export function acceptedOutages({ options, decisions = [] }: Accepter): AcceptedOutage[] {
  const later = decisions.flatMap(({ kind, by, reason, accepted }) =>
    kind === 'accept-outage' && accepted !== undefined ? [{ by, reason, ...accepted }] : [],
  );
  return options.acceptedOutage === undefined ? later : [options.acceptedOutage, ...later];
}

export function acceptedUnseenUse({
  options,
  decisions = [],
}: Accepter): { readonly by: string; readonly reason: string } | undefined {
  const said = decisions.find(({ kind }) => kind === 'accept-unseen-use');
  return options.acceptedUnseenUse ?? (said && { by: said.by, reason: said.reason });
}

export function isAcceptedDependent(accepter: Accepter, dependent: string): boolean {
  return acceptedOutages(accepter).some(({ dependents }) => dependents.includes(dependent));
}

interface Accepted {
  readonly run: Accepter;
  readonly dependencies: readonly (Recognizable & { readonly dependent: string })[];
}

/** Whoever is declared is accepted by name, and not by where it was seen. */
export function isAcceptedSource({ run, dependencies }: Accepted, source: UseSource): boolean {
  const owner = attribute(source, dependencies);
  if (owner !== undefined) return isAcceptedDependent(run, owner.dependent);
  return acceptedOutages(run).some(({ sources }) =>
    sources.some((named) => isNamedSource(named, source)),
  );
}

/** The facts as if nobody had accepted any outage. */
export function withoutOutages(facts: Facts): Facts {
  const { acceptedOutage: _accepted, ...options } = facts.run.options;
  const decisions = facts.run.decisions.filter(({ kind }) => kind !== 'accept-outage');
  return { ...facts, run: { ...facts.run, options, decisions } };
}

/** A name that is mistyped accepts nothing: each name that is not there, and each source that nobody was seen as. */
export function unknownNames(
  { dependencies, uses }: Pick<Facts, 'dependencies' | 'uses'>,
  { dependents, sources }: MayBreak,
): Problem[] {
  const known = new Set(dependencies.map(({ dependent }) => dependent));
  const strangers = dependents
    .filter((name) => !known.has(name))
    .map((name) => ({
      path: 'acceptOutage.dependents',
      message: `${name} does not depend on this secret`,
    }));
  const seen = uses.map(({ source }) => source);
  const unseen = sources.flatMap((named) => {
    const message = whyNobody(named, seen, dependencies);
    return message === undefined ? [] : [{ path: 'acceptOutage.sources', message }];
  });
  return [...strangers, ...unseen];
}

export function namesNobody(problems: readonly Problem[]): RotorError {
  return new RotorError('body-invalid', 'the request names what is not there', {
    kind: 'invalid',
    problems,
  });
}

function whyNobody(
  named: UseSource,
  seen: readonly UseSource[],
  dependencies: readonly DependencyFacts[],
): string | undefined {
  const meant = seen.filter((source) => isNamedSource(named, source));
  const owners = meant.map((source) => attribute(source, dependencies)?.dependent);
  if (owners.includes(undefined)) return undefined;
  const [owner] = owners;
  return owner === undefined
    ? `${describeSource(named)} was never seen using this secret`
    : `${describeSource(named)} is ${owner}, which is accepted by its name`;
}

/** What a person types who answers for it. */
export function acceptCommand(facts: Facts, what: string): string {
  return `rotor decide ${shortId(facts.run.runId)} ${what} --reason TEXT`;
}

/** Whether what somebody accepts with a request would be said to nobody, if it joined the run. */
export function addsAcceptance(asked: Accepter, there: Accepter): boolean {
  if (acceptedUnseenUse(asked) !== undefined && acceptedUnseenUse(there) === undefined) return true;
  const had = acceptedOutages(there);
  const wanted = acceptedOutages(asked);
  if (wanted.length > 0 && had.length === 0) return true;
  const sources = new Set(had.flatMap((outage) => outage.sources.map(sourceText)));
  return wanted.some(
    (outage) =>
      outage.dependents.some((name) => !isAcceptedDependent(there, name)) ||
      outage.sources.some((source) => !sources.has(sourceText(source))),
  );
}

function sourceText(source: UseSource): string {
  return JSON.stringify(Object.entries(source).sort(([a], [b]) => (a < b ? -1 : 1)));
}
