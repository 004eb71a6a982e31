import { expect, test } from '@jest/globals';
import { candidatesOf, candidatesOfName } from '../../domain/discover/candidates.js';

const value = 's3cr3t-Value+with/signs==';

function finds(text: string, wanted = value): boolean | undefined {
  return [...candidatesOf(text)].find((one) => one.text === wanted)?.whole;
}

test.each([
  ['alone', value],
  ['with a line break behind it', `${value}\n`],
])('a value %s is the whole text', (_name, text) => {
  expect(finds(text)).toBe(true);
});

test.each<[string, string]>([
  ['behind an equals sign', `export API_SECRET=${value}`],
  ['in quotes', `  apiSecret: "${value}" # the old one`],
  ['in a header', `Authorization: Bearer ${value}`],
  ['in a list', `first-of-all,${value},another`],
  ['in a call', `connect('${value}');`],
  ['in an argument', `curl -H token:${value} https://example.org`],
  ['in an address, encoded', `postgres://app:${encodeURIComponent(value)}@db.example.org/app`],
  ['in a query, encoded', `https://example.org/?a=1&key=${encodeURIComponent(value)}&b=2`],
  ['in base64, as Kubernetes writes it', `  password: ${btoa(value)}`],
  ['in basic authentication', `Authorization: Basic ${btoa(`app:${value}`)}`],
])('a value %s is a part of the text', (_name, text) => {
  expect(finds(text)).toBe(false);
});

test('the name of a file may be a value, but for its ending', () => {
  expect(finds('/srv/n4med-by-it.json', 'n4med-by-it')).toBe(false);
});

test('several words behind a sign are one value', () => {
  expect(finds('PASSWORD = "correct horse battery"', 'correct horse battery')).toBe(false);
});

test('what is shorter than eight characters is none, and each comes once', () => {
  const all = [...candidatesOf('short=abc1234 longer-one longer-one')].map(({ text }) => text);
  expect(all).not.toContain('abc1234');
  expect(all.filter((text) => text === 'longer-one')).toHaveLength(1);
});

test('a long line of signs takes no time', () => {
  const long = [
    '='.repeat(200_000),
    'a:'.repeat(100_000),
    ' '.repeat(200_000),
    '%'.repeat(200_000),
  ];
  for (const text of [...long, `a=${' '.repeat(200_000)}`, '('.repeat(200_000)])
    expect([...candidatesOf(text)].length).toBeLessThan(20);
});

test.each(['backup-a_v-4lue.x-2.txt', 'a_v-4lue.x', '/srv/a_v-4lue.x.bak#KEY', 'old.a_v-4lue.x~'])(
  'a value with signs in it is found in the name %s',
  (name) => {
    expect([...candidatesOfName(name)].map(({ text }) => text)).toContain('a_v-4lue.x');
  },
);
