/** The life of one credential: its states, and which may follow which. The database enforces the same table. */
export const versionStates = [
  'pending',
  'active',
  'retiring',
  'disabled',
  'revoked',
  'ended',
] as const;
export type VersionState = (typeof versionStates)[number];

/** Every move to `revoked` also needs a grant; nothing leaves `revoked` or `ended`. */
export const allowedMoves: Readonly<Record<VersionState, readonly VersionState[]>> = {
  pending: ['active', 'revoked', 'ended'],
  active: ['retiring', 'revoked', 'ended'],
  retiring: ['active', 'disabled', 'revoked', 'ended'],
  disabled: ['retiring', 'revoked', 'ended'],
  revoked: [],
  ended: [],
};

/** Why a version ended without being revoked by rotor. All but `never-minted` are findings. */
export type EndedCause = 'never-minted' | 'expired' | 'removed-elsewhere';

export type VersionOrigin = 'minted' | 'adopted' | 'orphan';

/** `unknown`: rotor never had it. `destroyed`: rotor had it, and removed it after proof that it is dead. */
export type ValueState = 'sealed' | 'unknown' | 'destroyed';

export function isLive(state: VersionState): boolean {
  return state !== 'revoked' && state !== 'ended';
}

/** Live and minted: an issuer would accept it, or would again once enabled. */
export function isUsable(state: VersionState): boolean {
  return state === 'active' || state === 'retiring' || state === 'disabled';
}
