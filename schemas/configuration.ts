/** rotor's own configuration: which issuers and connectors there are, and where the API listens. */
import { z } from 'zod';
import type { Problem } from '../domain/errors.js';
import type { RouteRule } from '../domain/event.js';
import type { Library } from '../domain/library.js';
import { Name } from './names.js';
import { Notifications, type Route } from './notifications.js';
import { check, nearest, type Checked } from './problems.js';

/** A kind with the options that its instances take. */
export interface ConfigurableKind {
  readonly kind: string;
  readonly options: z.ZodType;
  readonly libraries?: readonly Library[];
}

export interface Configuration {
  /** Instances by name, each with its kind and that kind's options. */
  readonly issuers: Readonly<Record<string, ConfiguredInstance>>;
  /** Options by kind: one instance of each. */
  readonly connectors: Readonly<Record<string, unknown>>;
  /** Where new values are put. */
  readonly store: ConfiguredInstance;
  /** Where older values may still lie. */
  readonly formerStores: readonly ConfiguredInstance[];
  readonly api: ApiConfiguration;
  readonly routes: readonly ConfiguredRoute[];
  /** Where a discovery looks, beside the destinations that rotor knows. */
  readonly places: readonly ConfiguredInstance[];
}

export interface ConfiguredRoute {
  readonly rule: RouteRule;
  readonly to: ConfiguredInstance;
}

export interface ConfiguredInstance {
  readonly kind: string;
  /** As its kind's schema gave them: they are not parsed a second time. */
  readonly options: unknown;
}

const loopback: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);

/** A page that is given away stands at the top: no proxy's path is known here. */
function isOrigin(url: string): boolean {
  return URL.canParse(url) && new URL(url).href === `${new URL(url).origin}/`;
}

function isPrivate(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || loopback.has(hostname.replace(/^\[(.*)\]$/, '$1'));
}

const Api = z.strictObject({
  host: z.string().default('127.0.0.1'),
  port: z.number().int().min(0).max(65_535).default(7600),
  /** Needed for every address but loopback, unless a proxy in front does it. */
  tls: z.strictObject({ certificateFile: z.string(), keyFile: z.string() }).optional(),
  behindTlsProxy: z.boolean().default(false),
  /** Where people reach it, as links that are given to them begin. */
  publicUrl: z
    .url({ protocol: /^https?$/, abort: true })
    .refine(isOrigin, 'expected an address without a path, such as https://rotor.example.org')
    .refine(isPrivate, 'values need TLS: expected https, or this machine')
    .optional(),
  /** Serves rotor's own authority too, administered with the token in this file. */
  authority: z.strictObject({ adminTokenFile: z.string() }).optional(),
  metrics: z
    .strictObject({
      /** Served without a token: to a network where everybody may read the names of secrets. */
      public: z.boolean().default(false),
      /** How many secrets have series of their own. */
      mostSecrets: z.number().int().min(0).max(20_000).default(2_000),
    })
    .prefault({}),
});
export type ApiConfiguration = z.output<typeof Api>;

const Instance = z.looseObject({ kind: z.string() });

const Document = z.strictObject({
  issuers: z.record(Name, Instance).default({}),
  connectors: z.record(z.string(), z.unknown()).default({}),
  store: Instance.default({ kind: 'sealed' }),
  formerStores: z.array(Instance).default([]),
  api: Api.prefault({}),
  notifications: Notifications.prefault({}),
  discover: z.array(Instance).max(200).default([]),
});

export interface Kinds {
  readonly issuerKinds: readonly ConfigurableKind[];
  readonly connectorKinds: readonly ConfigurableKind[];
  readonly storeKinds: readonly ConfigurableKind[];
  readonly channelKinds: readonly ConfigurableKind[];
  readonly placeKinds: readonly ConfigurableKind[];
  isInstalled(library: string): boolean;
}

/** All problems at once, those of the kinds' own options too. */
export function checkConfiguration(document: unknown, kinds: Kinds): Checked<Configuration> {
  const parsed = check(Document, document ?? {});
  if ('problems' in parsed) return parsed;
  const { issuers, connectors, store, formerStores, api, notifications, discover } = parsed.value;
  const problems: Problem[] = apiProblems(api);
  const { isInstalled } = kinds;
  const instance = (
    of: readonly ConfigurableKind[],
    { kind, ...options }: z.output<typeof Instance>,
    path: string,
  ): ConfiguredInstance => {
    const asked = { isInstalled, kinds: of, kind, options, path };
    return { kind, options: checkOptions(asked, problems) };
  };
  const value: Configuration = {
    issuers: mapEntries(issuers, (one, name) =>
      instance(kinds.issuerKinds, one, `issuers.${name}`),
    ),
    connectors: mapEntries(connectors, (options, kind) => {
      const asked = { isInstalled, kinds: kinds.connectorKinds, kind, options };
      return checkOptions({ ...asked, path: `connectors.${kind}` }, problems);
    }),
    store: instance(kinds.storeKinds, store, 'store'),
    formerStores: formerStores.map((one, index) =>
      instance(kinds.storeKinds, one, `formerStores.${index}`),
    ),
    api,
    routes: notifications.routes.map((route, index) => ({
      rule: ruleOf(route),
      to: instance(kinds.channelKinds, route.to, `notifications.routes.${index}.to`),
    })),
    places: discover.map((one, index) => instance(kinds.placeKinds, one, `discover.${index}`)),
  };
  return problems.length > 0 ? { problems } : { value };
}

function mapEntries<In, Out>(
  entries: Readonly<Record<string, In>>,
  map: (value: In, name: string) => Out,
): Record<string, Out> {
  return Object.fromEntries(Object.entries(entries).map(([name, one]) => [name, map(one, name)]));
}

function ruleOf({ name, severity, digest, ...route }: Route): RouteRule {
  const { events, owners, organizations, labels } = route;
  return { name, severity, events, owners, organizations, labels, digestMs: digest };
}

interface Asked extends Pick<Kinds, 'isInstalled'> {
  readonly kinds: readonly ConfigurableKind[];
  readonly kind: string;
  readonly options: unknown;
  readonly path: string;
}

function checkOptions(asked: Asked, problems: Problem[]): unknown {
  const { kinds, kind, options, path } = asked;
  const found = kinds.find((known) => known.kind === kind);
  if (found === undefined) {
    const names = kinds.map((known) => known.kind);
    const meant = nearest(kind, names);
    const hint =
      meant === undefined ? `the kinds are ${names.join(', ')}` : `did you mean ${meant}?`;
    problems.push({ path, message: `there is no kind ${kind}`, hint });
    return undefined;
  }
  problems.push(...missingLibraries(found, asked));
  const parsed = check(found.options, options, path);
  if ('value' in parsed) return parsed.value;
  problems.push(...parsed.problems);
  return undefined;
}

/** One problem for all, so that one command mends it. */
function missingLibraries({ kind, libraries = [] }: ConfigurableKind, asked: Asked): Problem[] {
  const missing = libraries.filter(({ name }) => !asked.isInstalled(name));
  if (missing.length === 0) return [];
  const names = missing.map(({ name }) => name).join(' and ');
  const hint = `npm install ${missing.map(({ name, version }) => `${name}@${version}`).join(' ')}`;
  const what = missing.length === 1 ? 'library' : 'libraries';
  return [{ path: asked.path, message: `${kind} needs the ${what} ${names}`, hint }];
}

function apiProblems({ host, tls, behindTlsProxy }: ApiConfiguration): Problem[] {
  if (loopback.has(host) || tls !== undefined || behindTlsProxy) return [];
  const hint = 'give api.tls a certificate and key, or say api.behindTlsProxy: true';
  return [
    {
      path: 'api.host',
      message: `${host} is not this machine alone: tokens and values need TLS`,
      hint,
    },
  ];
}
