/** What a target is: a real system that tests run against, how it is had, and what a running one gives. */
import type { Obtained, Sources } from './obtain/sources.js';

/** What every running target gives; it travels between processes as JSON. */
export interface Address {
  readonly name: string;
  /** As the running server tells it. */
  readonly version: string;
  readonly host: '127.0.0.1';
  readonly port: number;
  /** What the server prints. */
  readonly log: string;
}

/** Where a server is to run. */
export interface Site {
  /** For its data, log and credentials: removed by whoever gave it. */
  readonly folder: string;
  readonly obtained: Obtained;
  readonly signal: AbortSignal;
}

export interface Running<A extends Address = Address> {
  readonly address: A;
  /** Kills it by SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with what it has kept; one that still runs is killed first. */
  restart(): Promise<void>;
  /** In order; idempotent. */
  stop(): Promise<void>;
}

export interface Target<Name extends string = string, A extends Address = Address> {
  readonly name: Name;
  /** The pinned version; `of the distribution` where its package decides. */
  readonly version: string;
  /** Fetches and installs what is not there yet; two at once are fine. */
  obtain(sources: Sources): Promise<Obtained>;
  /** Resolves when it answers and its credentials lie in their files. */
  start(site: Site): Promise<Running<A>>;
}
