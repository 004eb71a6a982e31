/** The points are named where the engine reaches them; whoever is killed there goes on when started again. */
export const pointsOfRotation = [
  'plan:stored',
  'create:named',
  'create:mint',
  'create:minted',
  'create:sealed',
  'update:leased',
  'update:write',
  'update:delivered',
  'verify:read',
  'disable:call',
  'disable:called',
  'revoke:granted',
  'revoke:called',
  'revoke:proven',
  'clean:forgotten',
  'monitor:ended',
];

export const pointsOfCompromise = [
  'revoke:granted',
  'revoke:called',
  'create:minted',
  'create:sealed',
  'update:delivered',
  'clean:forgotten',
];
