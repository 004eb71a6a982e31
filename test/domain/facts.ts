/** Facts for tables of decisions: one secret, v1 current, v2 its confirmed successor, everybody moved. */
import type {
  DependencyFacts,
  Facts,
  RunFacts,
  UseFacts,
  VersionFacts,
} from '../../domain/facts.js';
import type { IssuerTraits } from '../../domain/issuer.js';
import { standardPolicy } from '../../domain/policy.js';

export const now = new Date('2026-01-10T12:00:00Z');
export const ago = (ms: number): Date => new Date(now.getTime() - ms);
export const day = 86_400_000;

export const traits: IssuerTraits = {
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
  tellsOpenUseApart: true,
  longestValidityMs: undefined,
};

export function version(ordinal: number, more: Partial<VersionFacts> = {}): VersionFacts {
  return {
    versionId: `v${ordinal}`,
    ordinal,
    state: 'active',
    current: false,
    origin: 'minted',
    credentialId: `c${ordinal}`,
    value: 'sealed',
    runId: undefined,
    createdAt: ago(100 * day),
    activatedAt: ago(100 * day),
    expiresAt: undefined,
    confirmedAt: ago(30 * day),
    disabledAt: undefined,
    disabledUntil: undefined,
    broughtBack: 0,
    refused: false,
    endedCause: undefined,
    revokedAt: undefined,
    monitorUntil: undefined,
    listedBefore: undefined,
    mintedAs: undefined,
    ...more,
  };
}

export function dependency(name: string, more: Partial<DependencyFacts> = {}): DependencyFacts {
  return {
    dependencyId: name,
    dependent: name,
    dependentId: name,
    destinationId: `at ${name}`,
    connector: 'dotenv',
    identity: `/srv/${name}`,
    address: {},
    wave: undefined,
    owner: 'team',
    documentation: undefined,
    leastEvidence: 'observed',
    seenAs: { userAgent: `${name}/*` },
    usesAtLeastEveryMs: undefined,
    picksUpWithinMs: 0,
    declaredAt: ago(50 * day),
    withheld: undefined,
    assignment: undefined,
    ...more,
  };
}

export function use(versionId: string, userAgent: string, at: Date): UseFacts {
  return {
    versionId,
    source: { userAgent },
    outcome: 'accepted',
    firstAt: at,
    lastAt: at,
    count: 1,
  };
}

export const run: RunFacts = {
  runId: 'run',
  kind: 'rotate',
  state: 'running',
  outcome: undefined,
  requestedBy: 'ann',
  reason: 'due',
  requestedAt: ago(20 * day),
  options: {},
  decisions: [],
  requestedPerson: 'requester',
  joinedPersons: [],
  approvals: [],
  plan: {
    revision: 1,
    hash: 'h',
    steps: ['create', 'update', 'verify', 'revoke', 'clean', 'monitor'],
    direction: 'forward',
    towards: 'v2',
    ends: ['v1'],
  },
};

export function moved(name: string, versionId = 'v2'): Facts['deliveries'][number] {
  return {
    dependencyId: name,
    versionId,
    generation: 1,
    evidence: 'observed',
    deliveredAt: ago(10 * day),
    movedAt: ago(10 * day),
    failure: undefined,
  };
}

export function facts(more: Partial<Facts> = {}): Facts {
  return {
    now,
    installationId: 'here',
    recovering: false,
    closed: undefined,
    recoveredAt: undefined,
    secret: {
      secretId: 's',
      name: 'api',
      organization: 'acme',
      owner: 'team',
      labels: {},
      issuer: 'main',
      specification: {},
    },
    traits,
    policy: standardPolicy,
    policyRevision: 1,
    run,
    versions: [
      version(1, { state: 'retiring' }),
      version(2, { current: true, confirmedAt: ago(9 * day), runId: 'run' }),
    ],
    dependencies: [dependency('billing')],
    deliveries: [moved('billing')],
    uses: [use('v1', 'billing/1', ago(9 * day)), use('v2', 'billing/1', ago(1_000))],
    record: {
      kind: 'exact',
      completeThrough: now,
      continuousSince: ago(40 * day),
      resolutionMs: 0,
      skewMs: 0,
      readAt: now,
    },
    effects: [],
    leases: [],
    grants: [],
    tasks: [],
    ...more,
  };
}
