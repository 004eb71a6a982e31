/** Runs the contract of connectors as tests, and checks that it fails connectors that break it. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { brokenConnectors, connectorContract, type ConnectorUnderTest } from './connector.js';

export interface Prepared extends ConnectorUnderTest {
  close(): Promise<void>;
}

async function isBroken(subject: ConnectorUnderTest): Promise<boolean> {
  for (const { check } of connectorContract) {
    const kept = await check(subject).then(
      () => true,
      () => false,
    );
    if (!kept) return true;
  }
  return false;
}

/** `judged`: whether the contract itself is tried by connectors that break it; not where each call takes long. */
export function holdToConnectorContract(
  name: string,
  prepare: () => Promise<Prepared>,
  { judged = true }: { readonly judged?: boolean } = {},
): void {
  describe(name, () => {
    let subject: Prepared;
    beforeEach(async () => {
      subject = await prepare();
    });
    afterEach(() => subject.close());

    for (const { name: promise, check } of connectorContract) {
      test(promise, () => check(subject));
    }
    for (const [fault, breakIt] of judged ? Object.entries(brokenConnectors) : []) {
      test(`the contract fails one that ${fault}`, async () => {
        const connector = { ...subject.connector, ...breakIt(subject.connector) };
        expect(await isBroken({ ...subject, connector })).toBe(true);
      });
    }
  });
}
