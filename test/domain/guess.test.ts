import { describe, expect, test } from '@jest/globals';
import { asName, namer } from '../../domain/import/found.js';
import { guessOf } from '../../domain/import/guess.js';

describe('what a value looks like', () => {
  test.each<[string, string, string | undefined]>([
    ['DATABASE_URL', 'postgres://app:pw@db.example.org/app', 'postgres'],
    ['CACHE', 'rediss://:pw@cache.example.org:6380', 'redis-acl'],
    ['QUEUE', 'amqp://app:pw@mq.example.org', 'rabbitmq-user'],
    ['AWS_SECRET_ACCESS_KEY', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', 'aws-iam-access-key'],
    ['X', `rotor_cs_${'a'.repeat(49)}`, 'client-secrets'],
    ['APP_SECRET_ID', '0e1cfd1b-60ab-4eb0-a2c0-dd5d7bd3c7a0', 'openbao-approle'],
    ['OAUTH_CLIENT_SECRET', 'abcdefgh', 'keycloak-client-secret'],
    ['PGPASSWORD', 'abcdefgh', 'postgres'],
    ['API_TOKEN', 'abcdefgh', undefined],
    ['STRIPE', 'sk_live_abcdefgh', undefined],
  ])('%s: its issuer may be of a kind', (name, value, kind) => {
    const guess = guessOf(name, value);
    expect(guess?.issuerKind).toBe(kind);
    expect(guess).toHaveProperty('is');
    expect(guess?.is).not.toContain(value);
  });

  test.each([
    ['LOG_LEVEL', 'debug'],
    ['API_TOKEN', ''],
    ['PASSWORD_LOGIN', 'true'],
    ['HOMEPAGE', 'https://example.org/a:b'],
    ['PORT', '8080'],
  ])('%s=%s does not look like a secret', (name, value) => {
    expect(guessOf(name, value)).toBeUndefined();
  });

  test('the id of an access key is public; an address is replaced as a whole', () => {
    expect(guessOf('AWS_ACCESS_KEY_ID', 'AKIAIOSFODNN7EXAMPLE')).toMatchObject({ isPublic: true });
    expect(guessOf('URL', 'mysql://app:pw@db/app')).toMatchObject({ isPart: true });
  });
});

test('names are those that declarations allow, and differ', () => {
  expect(['Prod/Billing_DB', '  ', 'Zürich#key', 'x'.repeat(99)].map(asName)).toEqual([
    'prod-billing-db',
    'unnamed',
    'zu-rich-key',
    'x'.repeat(60),
  ]);
  const name = namer();
  expect(['a/b', 'a-b', 'a b'].map((title) => name(title))).toEqual(['a-b', 'a-b-2', 'a-b-3']);
});
