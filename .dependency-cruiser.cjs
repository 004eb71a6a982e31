/** Who may import whom: the table of docs/architecture.md as rules. A folder without a rule here fails a test. */

/** Ours that each folder may import; `types` = only `import type`. */
const ours = {
  domain: [],
  schemas: ['domain'],
  workflows: ['domain'],
  activities: ['domain'],
  issuers: ['domain', 'reach'],
  stores: ['domain', 'reach'],
  connectors: ['domain', 'reach'],
  places: ['domain', 'reach'],
  reach: ['domain'],
  conformance: ['domain'],
  authority: ['domain', 'schemas', 'infra'],
  trail: ['domain', 'schemas'],
  infra: ['domain', 'schemas', 'reach', 'trail'],
  client: ['domain', 'schemas', 'trail'],
  api: ['domain', 'schemas', 'client', 'infra', 'authority', 'trail'],
};
const types = { workflows: ['activities'], client: ['workflows'] };

/** The only libraries of others that a folder may import; folders not named here may import what they need. */
const others = {
  domain: [],
  schemas: ['zod'],
  workflows: ['@temporalio/workflow', '@temporalio/common'],
  activities: ['@temporalio/activity', '@temporalio/common'],
};

/** Who makes workers, and what they log. */
const runsWorkers = ['^workers/engine\\.ts$', '^workers/temporal-log\\.ts$'];

const all = [...Object.keys(ours), 'workers', 'test', 'bench'];
const anyOf = (folders) => `^(${folders.join('|')})/`;

function folderRules(folder) {
  const withTypes = types[folder] ?? [];
  const reachable = [folder, ...ours[folder], ...withTypes];
  return [
    {
      name: `${folder}-imports-of-ours`,
      severity: 'error',
      comment: `${folder} may import of ours: ${[...ours[folder], ...withTypes].join(', ') || 'nothing'}`,
      from: { path: `^${folder}/` },
      to: { path: anyOf(all.filter((other) => !reachable.includes(other))) },
    },
    ...withTypes.map((other) => ({
      name: `${folder}-imports-only-types-of-${other}`,
      severity: 'error',
      comment: `${folder} may import types of ${other}, and nothing that runs`,
      from: { path: `^${folder}/` },
      to: { path: `^${other}/`, dependencyTypesNot: ['type-only'] },
    })),
  ];
}

function libraryRule([folder, allowed]) {
  return {
    name: `${folder}-imports-of-others`,
    severity: 'error',
    comment: `${folder} may import of others: ${allowed.join(', ') || 'nothing'}`,
    from: { path: `^${folder}/` },
    to: {
      dependencyTypes: [
        'npm',
        'npm-dev',
        'npm-optional',
        'npm-peer',
        'npm-no-pkg',
        'npm-unknown',
        'core',
      ],
      ...(allowed.length > 0 && { pathNot: `node_modules/(${allowed.join('|')})/` }),
    },
  };
}

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unresolved-imports',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'extension-points-do-not-know-each-other',
      severity: 'error',
      comment:
        'an issuer, store, connector or place imports no other one; it may import the files beside the folders',
      from: { path: '^(issuers|stores|connectors|places)/([^/]+)/' },
      to: { path: '^(issuers|stores|connectors|places)/[^/]+/', pathNot: '^$1/$2/' },
    },
    ...Object.keys(ours).flatMap(folderRules),
    ...Object.entries(others).map(libraryRule),
    {
      name: 'few-run-the-sdk-of-workers',
      severity: 'error',
      from: { pathNot: [...runsWorkers, '^(test|bench|scripts)/'] },
      to: { path: 'node_modules/@temporalio/worker/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'api-starts-without-the-sdk-of-workers',
      severity: 'error',
      comment: 'it is half a second of every start, and the API carries nothing out',
      from: { path: '^workers/api\\.ts$' },
      to: { path: runsWorkers, reachable: true },
    },
    {
      name: 'nothing-imports-tests',
      severity: 'error',
      from: { pathNot: '^(test|bench)/' },
      to: { path: '^test/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|\\.rotor|node_modules/\\.)' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      conditionNames: ['import', 'node', 'default'],
      exportsFields: ['exports'],
    },
  },
};
