/** A loop in every worker: writes what containing needs to know without rotor, soon after it changed and at least every minute. */
import type pg from 'pg';
import { inventoryPurpose, writeInventory } from '../../infra/direct/inventory-file.js';
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

export function keepInventory(parts: InventoryParts): Loop {
  const { pool, keys, stateFolder, warn, everyMs = 5_000 } = parts;
  const place = { stateFolder, key: keys.derive(inventoryPurpose) };
  let written = { mark: '', at: 0 };
  const look = async (): Promise<void> => {
    const mark = await inventoryMark(pool);
    if (mark === written.mark && Date.now() - written.at < refreshMs) return;
    writeInventory(place, await readKnown(pool));
    written = { mark, at: Date.now() };
  };
  // A disk that is full is no reason to end: containing then knows less, and says how old that is.
  return startLoop(everyMs, () =>
    look().catch((error: unknown) =>
      warn('the inventory could not be written', { code: codeOf(error) }),
    ),
  );
}

function codeOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error) return String(error.code);
  return error instanceof Error ? error.name : 'unknown';
}
