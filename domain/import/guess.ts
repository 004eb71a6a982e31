/** What a value looks like, said in words that hold nothing of it; and by their names, which variables hold secrets. */

export interface Guess {
  /** Ends "looks like". */
  readonly is: string;
  /** The kind of issuer that makes such values. */
  readonly issuerKind?: string;
  /** The value is only a part of the text, which rotor would replace as a whole. */
  readonly isPart?: true;
  /** It is no secret by itself. */
  readonly isPublic?: true;
}

interface Rule extends Guess {
  readonly value?: RegExp;
  readonly name?: RegExp;
}

const withLogin = String.raw`[^\s/]*:[^\s@/]+@`;

function addressOf(scheme: string): RegExp {
  return new RegExp(`^(?:${scheme})://${withLogin}`, 'i');
}

/** The first that fits counts. */
const rules: readonly Rule[] = [
  { value: /^A[KS]IA[A-Z2-7]{16}$/, is: 'the id of an AWS access key', isPublic: true },
  {
    value: /^\{[^]*"SecretAccessKey"[^]*\}$/,
    is: 'an AWS access key, as rotor writes it',
    issuerKind: 'aws-iam-access-key',
  },
  {
    value: /^[A-Za-z0-9/+]{40}$/,
    name: /AWS|SECRET_ACCESS_KEY/i,
    is: 'the secret half of an AWS access key: rotor writes id and secret as one text',
    issuerKind: 'aws-iam-access-key',
  },
  {
    value: addressOf('postgres|postgresql'),
    is: 'a PostgreSQL address with a password in it',
    issuerKind: 'postgres',
    isPart: true,
  },
  {
    value: addressOf('rediss?|valkeys?'),
    is: 'a Redis address with a password in it',
    issuerKind: 'redis-acl',
    isPart: true,
  },
  {
    value: addressOf('amqps?'),
    is: 'a RabbitMQ address with a password in it',
    issuerKind: 'rabbitmq-user',
    isPart: true,
  },
  {
    value: addressOf(String.raw`[a-z][a-z0-9+.-]*`),
    is: 'an address with a password in it',
    isPart: true,
  },
  {
    value: /^rotor_cs_/,
    is: "a client secret of rotor's own authority",
    issuerKind: 'client-secrets',
  },
  { value: /^(?:hvs|hvb|hvr|s|b)\.[\w-]{20,}$/, is: 'a token of OpenBao or Vault' },
  {
    value: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
    name: /SECRET_?ID/i,
    is: 'a secret-id of an AppRole',
    issuerKind: 'openbao-approle',
  },
  { value: /^-----BEGIN [A-Z ]*PRIVATE KEY-----/, is: 'a private key' },
  { value: /^(?:gh[opsur]_|github_pat_)/, is: 'a token of GitHub' },
  { value: /^glpat-/, is: 'a token of GitLab' },
  { value: /^xox[abeprs]-/, is: 'a token of Slack' },
  { value: /^[rs]k_(?:live|test)_/, is: 'a key of Stripe' },
  { value: /^eyJ[\w-]+\.eyJ[\w-]+\./, is: 'a signed token (JWT), which ends by itself' },
  { name: /PG_?PASS|POSTGRES.*PASS/i, is: 'a password of PostgreSQL', issuerKind: 'postgres' },
  { name: /REDIS.*PASS/i, is: 'a password of Redis', issuerKind: 'redis-acl' },
  { name: /RABBIT.*PASS|AMQP.*PASS/i, is: 'a password of RabbitMQ', issuerKind: 'rabbitmq-user' },
  {
    name: /KEYCLOAK|OIDC|OAUTH.*SECRET|CLIENT_?SECRET/i,
    is: 'a client secret, by its name',
    issuerKind: 'keycloak-client-secret',
  },
  {
    name: /SECRET|PASS(?:WORD|WD|PHRASE)?(?:$|_)|PWD$|TOKEN|CREDENTIAL|(?:API|ACCESS|PRIVATE|SIGNING|ENCRYPTION)_?KEY|_KEY$/i,
    is: 'a secret, by its name',
  },
];

/** Undefined where it does not look like a secret at all. */
export function guessOf(name: string, value: string): Guess | undefined {
  const text = value.trim();
  if (text === '' || /^(?:true|false|\d{1,6})$/i.test(text)) return undefined;
  return rules.find((rule) => (rule.value?.test(text) ?? true) && (rule.name?.test(name) ?? true));
}
