/** Who may do what through the API: roles, and the rights that each of them has. */
export const roles = ['viewer', 'operator', 'approver', 'security', 'admin'] as const;
export type Role = (typeof roles)[number];

/** `contain`: revoke, compromise, decommission; `operate`: declare, rotate, decide, adopt; `administer`: tokens, audit. */
export type Right = 'read' | 'operate' | 'contain' | 'administer';

const rights: Readonly<Record<Role, readonly Right[]>> = {
  viewer: ['read'],
  approver: ['read'],
  operator: ['read', 'operate'],
  security: ['read', 'operate', 'contain'],
  admin: ['read', 'operate', 'contain', 'administer'],
};

export function hasRight(role: Role, right: Right): boolean {
  return rights[role].includes(right);
}
