/** What is asked of a run, on the command line and as the API takes it: the same for a plan and for the request. */
import type { Command } from 'commander';
import type { RunKind } from '../../domain/run.js';
import { asMoment } from './moment.js';
import { parseSource } from './source.js';

/** What a run may do, and to what. */
export interface ScopeOptions {
  readonly dependentsKnown?: boolean;
  readonly acceptUnseenUse?: boolean;
  readonly acceptOutage?: string[];
  readonly acceptSource?: string[];
  readonly replaceFirst?: string;
  readonly version?: string[];
  readonly leakedBefore?: string;
  readonly exclude?: string[];
}

export interface AskedRun {
  readonly kind: RunKind;
  readonly options: ScopeOptions & { readonly reason?: string };
}

/** What a compromise is about. */
export function withLeak(command: Command): Command {
  return command
    .option('--version <version...>', 'what leaked: v3, or all; otherwise all that is in use')
    .option(
      '--leaked-before <moment>',
      'every version that was minted before it, such as 2026-01-31T12:00:00Z',
      asMoment,
    )
    .option(
      '--exclude <dependent...>',
      'the system that leaked: given no new value until it is released',
    )
    .option(
      '--replace-first <duration>',
      'replace first; revoke after this time whatever is unfinished',
    );
}

export function withAcceptance(command: Command): Command {
  return command
    .option('--no-dependents-known', 'go on although nobody is declared to use it')
    .option(
      '--accept-unseen-use',
      'where the issuer cannot show all use: it may break, and you say so',
    )
    .option('--accept-outage <dependent...>', 'these dependents may break')
    .option(
      '--accept-source <source...>',
      'undeclared sources that may break, as rotor plan prints them, or their user agent',
    );
}

export function outageOf({ acceptOutage, acceptSource }: ScopeOptions): unknown {
  if (acceptOutage === undefined && acceptSource === undefined) return undefined;
  const sources = (acceptSource ?? []).map(parseSource);
  return { dependents: acceptOutage ?? [], sources };
}

const every = 'all';

/** All, and some of them by name, is a contradiction: both are said, so that the API refuses it. */
export function bodyOf({ kind, options }: AskedRun): Record<string, unknown> {
  const { version } = options;
  const all = version?.includes(every) === true;
  const named = version?.filter((one) => one !== every);
  return {
    kind,
    reason: options.reason,
    versions: all && named?.length === 0 ? undefined : named,
    everyVersion: all ? true : undefined,
    leakedBefore: options.leakedBefore,
    exclude: options.exclude,
    replaceFirst: options.replaceFirst,
    acceptUnseenUse: options.acceptUnseenUse,
    acceptOutage: outageOf(options),
    noDependentsKnown: options.dependentsKnown === false ? true : undefined,
  };
}
