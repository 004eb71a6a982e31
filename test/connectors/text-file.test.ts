import { randomUUID } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { textFile } from '../../connectors/text-file/index.js';
import { holdToConnectorContract } from '../contracts/hold-to-connector.js';
import { deliveryOf, destinationAt, newFolder, type Folder } from './places.js';

holdToConnectorContract('text-file', () => {
  const folder = newFolder();
  return Promise.resolve({
    connector: textFile.open({ roots: [folder.path] }),
    place: () => {
      const file = folder.file(randomUUID());
      writeFileSync(file, '');
      return Promise.resolve(destinationAt({ file }));
    },
    absent: () => Promise.resolve(destinationAt({ file: folder.file('missing') })),
    plant: (destination, text) => {
      writeFileSync(String(destination.address['file']), text);
      return Promise.resolve();
    },
    close: () => {
      folder.remove();
      return Promise.resolve();
    },
  });
});

describe('text-file', () => {
  let folder: Folder;
  let file: string;
  beforeEach(() => {
    folder = newFolder();
    file = folder.file('token');
  });
  afterEach(() => {
    folder.remove();
  });

  function deliver(text: string, more: object = {}): Promise<void> {
    const connector = textFile.open({ roots: [folder.path] });
    return connector.deliver(deliveryOf(destinationAt({ file, ...more }), text));
  }

  test.each([
    ['none', 'old', 'new'],
    ['one', 'old\n', 'new\n'],
    ['one of Windows', 'old\r\n', 'new\r\n'],
    ['two: the first is the value’s', 'old\n\n', 'new\n'],
  ])('a line break at the end stays: %s', async (_, before, after) => {
    writeFileSync(file, before);
    await deliver('new');
    expect(readFileSync(file, 'utf8')).toBe(after);
  });

  test('what an editor added is not another value', async () => {
    writeFileSync(file, 'value\n');
    const delivery = deliveryOf(destinationAt({ file }), 'value');
    const held = await textFile
      .open({ roots: [folder.path] })
      .held(delivery.destination, delivery.known);
    expect(held).toMatchObject({ versionIds: [delivery.version.versionId], unknown: [] });
  });

  test('several lines are one value; one that ends in a line break could not be told from an editor’s', async () => {
    writeFileSync(file, 'old\n');
    await deliver('-----BEGIN KEY-----\nabc\n-----END KEY-----');
    expect(readFileSync(file, 'utf8')).toBe('-----BEGIN KEY-----\nabc\n-----END KEY-----\n');
    await expect(deliver('abc\n')).rejects.toMatchObject({ code: 'refused' });
  });

  test('a missing file is made only where that was said, for nobody else to read', async () => {
    await expect(deliver('new')).rejects.toMatchObject({ code: 'not-found' });
    await deliver('new', { create: true });
    expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual(['new', 0o600]);
  });
});
