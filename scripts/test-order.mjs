/** The order of test files: slow folders first, so that no long file starts last where jest has no times of an earlier run. */
import Sequencer from '@jest/test-sequencer';

/** As measured; whatever is not named comes after them. */
const slowFolders = [
  'faults',
  'engine',
  'issuers',
  'real',
  'infra',
  'product',
  'examples',
  'targets',
];

function rankOf({ path }) {
  const rank = slowFolders.findIndex((folder) => path.includes(`/test/${folder}/`));
  return rank === -1 ? slowFolders.length : rank;
}

/** Within a rank jest's own order stays: sorting is stable. */
export default class SlowFirst extends Sequencer {
  async sort(tests) {
    const sorted = await super.sort(tests);
    return [...sorted].sort((one, other) => rankOf(one) - rankOf(other));
  }
}
