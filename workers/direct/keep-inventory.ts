/** A loop in every worker: writes what containing needs to know without rotor, soon after it changed and at least every minute. */
import { existsSync } from 'node:fs';
import type pg from 'pg';
import {
  inventoryFile,
  inventoryPurpose,
  removeDrafts,
  writeInventory,
} from '../../infra/direct/inventory-file.js';
import { codeOf } from '../../infra/error-code.js';
import type { Keys } from '../../infra/key-file.js';
import { inventoryMark, readKnown } from '../../infra/registry/direct-inventory.js';
import { startLoop, type Loop } from '../loop.js';

export interface InventoryParts {
  readonly pool: pg.Pool;
  readonly keys: Keys;
  readonly stateFolder: string;
  readonly warn: (message: string, about: Readonly<Record<string, unknown>>) => void;
  readonly everyMs?: number;
}

/** Also where nothing changed: how old it is says whether anybody writes it. */
const refreshMs = 60_000;
/** Of a worker's time, at most: with ten thousand secrets that change all the time, it is written less often. */
const share = 50;

export function keepInventory(parts: InventoryParts): Loop {
  const { pool, keys, stateFolder, warn, everyMs = 5_000 } = parts;
  const place = { stateFolder, key: keys.derive(inventoryPurpose) };
  let written = { mark: '', at: 0, tookMs: 0 };
  let failing = '';
  const look = async (): Promise<void> => {
    const { mark, recovering } = await inventoryMark(pool);
    if (recovering && existsSync(inventoryFile(place))) return;
    if (written.at === 0) await removeDrafts(place);
    const began = Date.now();
    const ageMs = began - written.at;
    if (mark === written.mark ? ageMs < refreshMs : ageMs < written.tookMs * share) return;
    await writeInventory(place, await readKnown(pool));
    written = { mark, at: Date.now(), tookMs: Date.now() - began };
    failing = '';
  };
  // A disk that is full is no reason to end: containing then knows less, and says how old that is.
  return startLoop(everyMs, () =>
    look().catch((error: unknown) => {
      const code = codeOf(error);
      if (code !== failing) warn('the inventory could not be written', { code });
      failing = code;
    }),
  );
}
