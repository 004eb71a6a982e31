/** What every kind that asks people owes to rotor: it writes nothing, and says who does what until when. */
import { describe, expect, test } from '@jest/globals';
import type { AskingKind } from '../../connectors/kind.js';

export interface Asked {
  /** A sound destination, as people declare it. */
  readonly destination: Readonly<Record<string, unknown>>;
  /** Fields that may change without its being another place. */
  readonly changeable: Readonly<Record<string, unknown>>;
}

export function holdToAskingContract(kind: AskingKind, { destination, changeable }: Asked): void {
  const read = (address: unknown) => kind.address.parse(address) as never;
  const identityOf = (address: unknown) =>
    kind.identity(read(address), kind.options.parse({}) as never);

  describe(`${kind.kind} asks people`, () => {
    test('it opens nothing that could write or read', () => {
      expect(kind).not.toHaveProperty('open');
    });

    test('it says who does what, until when, and when they are told again', () => {
      const assignment = kind.assignment(read(destination));
      expect(assignment.assignee).not.toBe('');
      expect(assignment.instructions).not.toBe('');
      expect(assignment.dueWithinMs).toBeGreaterThan(0);
      expect(assignment.remindEveryMs).toBeGreaterThan(0);
    });

    test('the place is the same, whoever does it, and however', () => {
      const identity = identityOf(destination);
      expect(identity).not.toBe('');
      expect(identityOf({ ...destination, ...changeable })).toBe(identity);
    });
  });
}
