import { describe, expect, test } from '@jest/globals';
import { humanTask } from '../../connectors/human-task/index.js';
import { holdToAskingContract } from '../contracts/asking.js';

const destination = {
  place: 'portal.partner.example, account 7, field "API key"',
  assignee: 'Ada Partner',
  instructions: 'Settings → API keys\npaste it, press Save',
  dueWithin: '2d',
  remindEvery: '4h',
  escalateTo: 'Grace',
};

holdToAskingContract(humanTask, {
  destination,
  changeable: { assignee: 'Barbara', instructions: 'otherwise', dueWithin: '1h', escalateTo: 'Ed' },
});

describe('what is declared', () => {
  test('becomes an assignment, in milliseconds', () => {
    expect(humanTask.assignment(humanTask.address.parse(destination))).toEqual({
      assignee: 'Ada Partner',
      instructions: 'Settings → API keys\npaste it, press Save',
      dueWithinMs: 2 * 86_400_000,
      remindEveryMs: 4 * 3_600_000,
      escalateTo: 'Grace',
      holdsSeveral: false,
    });
  });

  test('they are told again once a day where nothing is said', () => {
    const { remindEvery: _left, ...declared } = destination;
    const { remindEveryMs } = humanTask.assignment(humanTask.address.parse(declared));
    expect(remindEveryMs).toBe(86_400_000);
  });

  test.each([
    ['no place', { place: undefined }, ['place']],
    ['an empty place', { place: '  ' }, ['place']],
    ['a place over two lines', { place: 'one\ntwo' }, ['place']],
    ['nobody', { assignee: '' }, ['assignee']],
    ['a name that steers a terminal', { assignee: 'Ada\u001b[2J' }, ['assignee']],
    ['a name that is a number', { assignee: 7 }, ['assignee']],
    ['no instructions', { instructions: undefined }, ['instructions']],
    ['instructions with a bell', { instructions: 'ring\u0007' }, ['instructions']],
    ['instructions of a book', { instructions: 'x'.repeat(4_001) }, ['instructions']],
    ['no time', { dueWithin: undefined }, ['dueWithin']],
    ['no time at all', { dueWithin: '0' }, ['dueWithin']],
    ['a time that is a number', { dueWithin: 5 }, ['dueWithin']],
    ['a time of a century', { dueWithin: '36500d' }, ['dueWithin']],
    ['reminders every second', { remindEvery: '1s' }, ['remindEvery']],
    ['reminders without end', { remindEvery: '0s' }, ['remindEvery']],
    ['an empty deputy', { escalateTo: '' }, ['escalateTo']],
    ['a list that is said in words', { holdsSeveral: 'yes' }, ['holdsSeveral']],
    ['a field that nobody knows', { assignees: ['Ada'] }, ['']],
    [
      'all at once',
      { place: '', dueWithin: 'soon', escalateTo: 3 },
      ['place', 'dueWithin', 'escalateTo'],
    ],
  ])('%s is refused, where it stands', (_name, more, paths) => {
    const { error } = humanTask.address.safeParse({ ...destination, ...more });
    expect(error?.issues.map(({ path }) => path.join('.'))).toEqual(paths);
  });

  test('options are none', () => {
    expect(humanTask.options.safeParse({ keyFile: 'x' }).success).toBe(false);
  });
});
