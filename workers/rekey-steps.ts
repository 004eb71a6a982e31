/** Moves what is sealed to a new key, step by step, each of which may be repeated: add, promote, reseal, drop. */
import type pg from 'pg';
import { RotorError } from '../domain/errors.js';
import { hasCode } from '../infra/error-code.js';
import {
  addSealingKey,
  dropSealingKeys,
  kidToAdd,
  pendingKid,
  promoteSealingKey,
  type Keys,
  type SealingKey,
} from '../infra/key-file.js';
import { inTransaction } from '../infra/postgres.js';
import type { AuditTrail } from '../infra/registry/audit.js';
import { noteInstallation } from '../infra/registry/installation-trail.js';
import type { SealedStore } from '../stores/sealed/index.js';

export interface RekeyParts {
  readonly pool: pg.Pool;
  readonly audit: AuditTrail;
  readonly keys: Keys;
  readonly keyFile: string;
  readonly store: SealedStore;
  /** Who is at the keyboard. */
  readonly by: string;
  readonly reached: (point: string) => void;
}

/** A key without its bytes. */
export interface KeyState {
  readonly kid: string;
  /** `missing`: values are sealed with it, and the key file has it not. */
  readonly does: 'seals' | 'opens' | 'pending' | 'missing';
  readonly values: number;
}

export async function keyStates({ pool, keys }: RekeyParts): Promise<KeyState[]> {
  const { rows } = await pool.query<{ kid: string; count: number }>(
    'select kid, count(*)::int as count from sealed.values group by kid order by kid',
  );
  const countOf = (kid: string): number => rows.find((row) => row.kid === kid)?.count ?? 0;
  const held = keys.sealing();
  const missing = rows.filter(({ kid }) => held.every((key) => key.kid !== kid));
  return [
    ...held.map((key, index) => ({
      kid: key.kid,
      does: does(key, index),
      values: countOf(key.kid),
    })),
    ...missing.map(({ kid, count }) => ({ kid, does: 'missing' as const, values: count })),
  ];
}

function does({ pending }: SealingKey, index: number): KeyState['does'] {
  if (index === 0) return 'seals';
  return pending === true ? 'pending' : 'opens';
}

/** On record before the file has it: killed in between, a kid is on record that no key has, and never the other way round. */
export async function addKey(parts: RekeyParts): Promise<void> {
  const kid = kidToAdd(parts.keyFile);
  await note(parts, { change: 'sealing-key-added', kid });
  parts.reached('rekey:add-noted');
  addSealingKey(parts.keyFile, kid);
  parts.reached('rekey:added');
}

/** On record before anything is sealed with it; killed in between, it is still pending, and noted once more. */
export async function promoteKey(parts: RekeyParts): Promise<void> {
  const kid = pendingKid(parts.keyFile);
  if (kid === undefined) {
    throw new RotorError('no-pending-key', 'the key file holds no key that could be promoted', {
      kind: 'conflict',
      hint: 'rotor rekey add makes one',
    });
  }
  await note(parts, { change: 'sealing-key-promoted', kid });
  parts.reached('rekey:promote-noted');
  promoteSealingKey(parts.keyFile, kid);
  parts.reached('rekey:promoted');
}

/** Returns how many could not be opened. */
export async function resealAll(parts: RekeyParts): Promise<number> {
  const done = await parts.store.reseal(() => parts.reached('rekey:batch'));
  const [{ kid }] = parts.keys.sealing();
  await note(parts, { change: 'values-resealed', kid, ...done });
  return done.unopened;
}

/** In the database first, which refuses where a value needs the key: then nobody seals with it any more. */
export async function dropKeys(parts: RekeyParts): Promise<void> {
  const { pool, audit, by, keyFile } = parts;
  const kids = (await keyStates(parts)).filter((key) => key.does === 'opens').map(({ kid }) => kid);
  if (kids.length === 0) return;
  await inTransaction(pool, async (db) => {
    await db.query(
      'insert into sealed.keys (kid) select unnest($1::text[]) on conflict do nothing',
      [kids],
    );
    await db.query(
      `update sealed.keys set usable = false, dropped_at = clock_timestamp()
       where kid = any($1) and usable`,
      [kids],
    );
    await noteInstallation({ audit }, db, {
      actor: by,
      event: { change: 'sealing-keys-dropped', kids },
    });
  }).catch(async (error: unknown) => {
    throw hasCode(error, '23503') ? await inUse(parts) : error;
  });
  parts.reached('rekey:dropped');
  dropSealingKeys(keyFile, kids);
}

async function inUse(parts: RekeyParts): Promise<RotorError> {
  const used = (await keyStates(parts)).filter((key) => key.does === 'opens' && key.values > 0);
  return new RotorError('key-in-use', 'values are sealed with a key that would be dropped', {
    kind: 'conflict',
    hint: 'rotor rekey reseal',
    problems: used.map(({ kid, values }) => ({
      path: `key ${kid}`,
      message: `seals ${values} values`,
    })),
  });
}

/** All of it on one machine; what was begun is ended before anything new is begun. */
export async function rekey(parts: RekeyParts): Promise<number> {
  const states = await keyStates(parts);
  const isBegun = states.some((key) => key.does === 'pending');
  const isOpen = states.some((key) => key.does !== 'seals' && key.values > 0);
  if (!isBegun && !isOpen) await addKey(parts);
  if (isBegun || !isOpen) await promoteKey(parts);
  return resealAll(parts);
}

async function note({ pool, audit, by }: RekeyParts, event: object): Promise<void> {
  await inTransaction(pool, (db) => noteInstallation({ audit }, db, { actor: by, event }));
}
