import { expect, test } from '@jest/globals';
import { findingCodes, findingKinds } from '../../domain/finding.js';
import { adviceOn, type ToldEvent } from '../../domain/told-event.js';

const event: ToldEvent = {
  ...{ id: 'e', kind: 'finding', severity: 'warning', code: 'expiring', organization: 'acme' },
  ...{ secret: 'acme/api', owner: 'team', run: null, message: 'x', count: 1, at: new Date(0) },
};

test.each(findingCodes)('%s: its page and what to do are told with it', (code) => {
  expect(adviceOn({ ...event, code })).toEqual({
    ...{ todo: findingKinds[code].todo, command: 'rotor show acme/api' },
    runbook: `docs/runbook.md#${code}`,
  });
});

test('what a finding and a run have in common is advised on by what it is', () => {
  const held = adviceOn({ ...event, kind: 'blocked', code: 'undeclared-use', run: 'feedf00d-1' });
  expect(held).toMatchObject({ todo: undefined, command: 'rotor watch feedf00d' });
  expect(adviceOn({ ...event, kind: 'run-finished', code: 'succeeded' }).runbook).toBeUndefined();
});
